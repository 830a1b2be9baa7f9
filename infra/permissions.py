"""What each function may call, each action with the reason why it is needed.

The table is the whole of it: the roles are made from here, and a test compares it with the calls that the test
suite makes. ``{...}`` in a resource is a placeholder that ``roles.py`` fills in for the stage.
"""

from __future__ import annotations

from dataclasses import dataclass

WEB, WORKER = "web", "worker"
BOTH = (WEB, WORKER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Actions on resources, the functions that have them, and why."""

    name: str
    functions: tuple[str, ...]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    why: str


TABLES = ("arn:{partition}:dynamodb:{region}:{account}:table/databridge-{stage}-*",)
INDEXES = (*TABLES, "arn:{partition}:dynamodb:{region}:{account}:table/databridge-{stage}-*/index/*")
OBJECTS = ("{bucket}/*",)
KEPT = "arn:{partition}:secretsmanager:{region}:{account}:secret:databridge/{stage}"
SECRETS = (f"{KEPT}/jobs/*", f"{KEPT}/connections/*")

GRANTS = (
    Grant(
        name="ReadRecords",
        functions=BOTH,
        actions=("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:DescribeTable"),
        resources=INDEXES,
        why="jobs, events, counters, datasets; PynamoDB describes a table before its first use",
    ),
    Grant(
        name="WriteRecords",
        functions=BOTH,
        actions=(
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:ConditionCheckItem",
        ),
        resources=TABLES,
        why="every move of a job is a conditional write, counters move in the same transaction",
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
        why="uploads and chunks arrive at the web function; the worker writes raw objects and Parquet",
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
        actions=("s3:ListBucket", "s3:ListBucketMultipartUploads"),
        resources=("{bucket}",),
        why="chunks of an upload are listed; a missing object is told from a forbidden one; leftovers are swept",
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
        why="Admins invite people and change their roles in the admin",
    ),
    Grant(
        name="KeepSecrets",
        functions=BOTH,
        actions=("secretsmanager:CreateSecret", "secretsmanager:PutSecretValue"),
        resources=SECRETS,
        why="a source's password is put away before its job or connection is saved; a pattern's jobs are the worker's",
    ),
    Grant(
        name="UseSecrets",
        functions=BOTH,
        actions=("secretsmanager:GetSecretValue", "secretsmanager:DeleteSecret", "secretsmanager:RestoreSecret"),
        resources=SECRETS,
        why="the worker signs in at sources and forgets the secret afterwards, or has it back for a retry; the web "
        "function tests connections",
    ),
    Grant(
        name="ReadSigningKey",
        functions=BOTH,
        actions=("secretsmanager:GetSecretValue",),
        resources=(f"{KEPT}/signing-key-*",),
        why="Django's key is read when a function starts; it is in no environment variable",
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
    ),
)
