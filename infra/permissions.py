"""What each function may call, each action with the reason why it is needed.

The table is the whole of it: the roles are made from here, and a test compares it with the calls that the test
suite makes. ``{...}`` in a resource is a placeholder that ``roles.py`` fills in for the stage.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

WEB, WORKER = "web", "worker"
BOTH = (WEB, WORKER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Actions on resources, the functions that have them, and why.

    ``beyond_tests`` are actions of no recorded call: ``why`` tells what needs them.
    """

    name: str
    functions: tuple[str, ...]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    why: str
    beyond_tests: tuple[str, ...] = ()


TABLE = "arn:{partition}:dynamodb:{region}:{account}:table/databridge-{stage}-"
# Of people and their sessions, which only requests change; the worker has no business with them.
OF_PEOPLE = tuple(f"{TABLE}{kind}" for kind in ("sessions", "throttles", "people"))
OF_JOBS = tuple(
    f"{TABLE}{kind}"
    for kind in ("jobs", "events", "keys", "counters", "datasets", "contracts", "uploads", "connections")
)
OBJECTS = ("{bucket}/*",)
KEPT = "arn:{partition}:secretsmanager:{region}:{account}:secret:databridge/{stage}"
SECRETS = (f"{KEPT}/jobs/*", f"{KEPT}/connections/*")

GRANTS = (
    Grant(
        name="ReadRecords",
        functions=BOTH,
        actions=("dynamodb:GetItem",),
        resources=OF_JOBS,
        why="jobs, events, counters, datasets",
    ),
    Grant(
        name="ListRecords",
        functions=(WEB,),
        actions=("dynamodb:Query",),
        resources=(*OF_JOBS, *(f"{table}/index/*" for table in OF_JOBS)),
        why="pages and the API list jobs, events and datasets; the sweep, which runs here, finds what is overdue",
    ),
    Grant(
        name="ReadStandingJobs",
        functions=(WEB,),
        actions=("dynamodb:BatchGetItem",),
        resources=(f"{TABLE}jobs",),
        why="the dashboard lists the jobs whose rejects nobody has settled, whose index has keys only",
    ),
    Grant(
        name="ReadPeople",
        functions=(WEB,),
        actions=("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"),
        resources=(*OF_PEOPLE, f"{TABLE}audit", f"{TABLE}audit/index/*"),
        why="sessions, counted tries, what is kept of people, and the audit log as an Admin reads it",
    ),
    Grant(
        name="WriteRecords",
        functions=BOTH,
        actions=("dynamodb:PutItem", "dynamodb:UpdateItem"),
        resources=OF_JOBS,
        why="every move of a job is a conditional write, counters move in the same transaction",
    ),
    Grant(
        name="DeleteRecords",
        functions=(WEB,),
        actions=("dynamodb:DeleteItem",),
        resources=OF_JOBS,
        why="connections and uploads that somebody takes away",
    ),
    Grant(
        name="WriteEvents",
        functions=(WORKER,),
        actions=("dynamodb:BatchWriteItem",),
        resources=(f"{TABLE}events",),
        why="a job's lines are written many at a time",
    ),
    Grant(
        name="WritePeople",
        functions=(WEB,),
        actions=("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"),
        resources=OF_PEOPLE,
        why="sessions, counted tries, and what is kept of people; Cognito has the rest",
    ),
    Grant(
        name="AddToAudit",
        functions=(WEB,),
        actions=("dynamodb:PutItem",),
        resources=(f"{TABLE}audit",),
        why="rows are added, on the condition that they are new, and never changed or deleted",
    ),
    Grant(
        name="ReadLake",
        functions=BOTH,
        actions=("s3:GetObject",),
        resources=OBJECTS,
        why="the worker reads raw objects and chunks; pages show reports, previews and rejects, and hand out files",
    ),
    Grant(
        name="WriteLake",
        functions=BOTH,
        actions=("s3:PutObject", "s3:AbortMultipartUpload"),
        resources=OBJECTS,
        why="uploads and chunks arrive at the web function; the worker writes raw objects and Parquet; an upload is "
        "aborted by the sweep, and by a worker that takes a job over from one that died",
        beyond_tests=("s3:AbortMultipartUpload",),
    ),
    Grant(
        name="TidyLake",
        functions=BOTH,
        actions=("s3:DeleteObject", "s3:ListMultipartUploadParts"),
        resources=("{bucket}/up/*", "{bucket}/raw/*", "{bucket}/parquet/*", "{bucket}/jobs/*"),
        why="chunks go when an upload is composed or given up, outputs of a cancelled job before it is published",
    ),
    Grant(
        name="ListLake",
        functions=BOTH,
        actions=("s3:ListBucket",),
        resources=("{bucket}",),
        why="chunks of an upload are listed; a missing object is told from a forbidden one",
    ),
    Grant(
        name="FindLeftovers",
        functions=(WEB,),
        actions=("s3:ListBucketMultipartUploads",),
        resources=("{bucket}",),
        why="the sweep drops uploads whose job has ended",
    ),
    Grant(
        name="SignIn",
        functions=(WEB,),
        actions=(
            "cognito-idp:AdminInitiateAuth",
            "cognito-idp:AdminRespondToAuthChallenge",
            "cognito-idp:AdminGetUser",
            "cognito-idp:AdminListGroupsForUser",
            "cognito-idp:AdminUserGlobalSignOut",
            "cognito-idp:DescribeUserPoolClient",
        ),
        resources=("{pool}",),
        why="people sign in on our own pages; the client's secret is read when a function starts",
        beyond_tests=("cognito-idp:DescribeUserPoolClient",),
    ),
    Grant(
        name="ManagePeople",
        functions=(WEB,),
        actions=(
            "cognito-idp:ListUsers",
            "cognito-idp:ListUsersInGroup",
            "cognito-idp:AdminCreateUser",
            "cognito-idp:AdminAddUserToGroup",
            "cognito-idp:AdminRemoveUserFromGroup",
            "cognito-idp:AdminEnableUser",
            "cognito-idp:AdminDisableUser",
            "cognito-idp:AdminResetUserPassword",
            "cognito-idp:AdminSetUserMFAPreference",
        ),
        resources=("{pool}",),
        why="Admins invite people and change their roles in the admin; enabling and resetting are tested beside it",
        beyond_tests=("cognito-idp:AdminEnableUser", "cognito-idp:AdminResetUserPassword"),
    ),
    Grant(
        name="KeepSecrets",
        functions=BOTH,
        actions=("secretsmanager:CreateSecret", "secretsmanager:PutSecretValue"),
        resources=SECRETS,
        why="a source's password is put away before its job or connection is saved, and put again where the first "
        "answer was lost; a pattern's jobs are the worker's",
        beyond_tests=("secretsmanager:PutSecretValue",),
    ),
    Grant(
        name="UseSecrets",
        functions=BOTH,
        actions=("secretsmanager:GetSecretValue", "secretsmanager:DeleteSecret"),
        resources=SECRETS,
        why="the worker signs in at sources and forgets the secret afterwards; the web function tests connections",
    ),
    Grant(
        name="RestoreSecrets",
        functions=(WORKER,),
        actions=("secretsmanager:RestoreSecret",),
        resources=(f"{KEPT}/jobs/*",),
        why="a retry has the secret of a failed job back before it is deleted for good",
    ),
    Grant(
        name="ReadSigningKey",
        functions=BOTH,
        actions=("secretsmanager:GetSecretValue",),
        resources=(f"{KEPT}/signing-key-*",),
        why="Django's key is read when a function starts; it is in no environment variable",
        beyond_tests=("secretsmanager:GetSecretValue",),
    ),
    Grant(
        name="RunJobs",
        functions=BOTH,
        actions=("lambda:InvokeFunction",),
        resources=("arn:{partition}:lambda:{region}:{account}:function:{worker}",),
        why="a job is handed to the worker by its id; the sweep hands it over again",
    ),
    Grant(
        name="Log",
        functions=BOTH,
        actions=("logs:CreateLogStream", "logs:PutLogEvents"),
        resources=("arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/databridge-{stage}-*:*",),
        why="Lambda writes what the function prints",
        beyond_tests=("logs:CreateLogStream", "logs:PutLogEvents"),
    ),
)


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """A call that a function made: the IAM action, and the bare name of the table, object or secret."""

    role: str
    action: str
    resource: str


def recorded(folder: Path) -> set[Call]:
    """Return the calls in the files that ``databridge.local.calls`` wrote."""
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    return {Call(**json.loads(line)) for line in lines}


def forbidden(calls: set[Call]) -> list[str]:
    """Return a line for each call that no grant of its role allows."""
    return [f"{call.role} may not {call.action} {call.resource}" for call in sorted(calls) if not _grants(call)]


def unused(calls: set[Call]) -> list[str]:
    """Return a line for each action of a role that no call used and that is not explained either."""
    used = {(grant.name, call.role, call.action) for call in calls for grant in _grants(call)}
    return [
        f"{function} never used {action} of {grant.name}: take it away or explain it"
        for grant in GRANTS
        for function in grant.functions
        for action in grant.actions
        if action not in grant.beyond_tests and (grant.name, function, action) not in used
    ]


def _grants(call: Call) -> list[Grant]:
    """Return the grants that allow a call of the local stage."""
    places = {"partition": "aws", "region": "", "account": "", "stage": "local", "worker": "databridge-local-worker"}
    places |= {"bucket": "databridge-erp-local", "pool": "*"}
    return [
        grant
        for grant in GRANTS
        if call.role in grant.functions
        and call.action in grant.actions
        and any(_matches(call, pattern.format(**places)) for pattern in grant.resources)
    ]


def _matches(call: Call, pattern: str) -> bool:
    """Tell whether a resource's pattern, an ARN or a part of one, covers the name that a call was made with."""
    name = pattern.rpartition("::")[2] if pattern.startswith("arn:") else pattern
    name = name.removeprefix("table/").removeprefix("secret:").removeprefix("function:")
    return fnmatchcase(call.resource, name) or fnmatchcase(f"{call.resource}-AbCdEf", name)
