"""Findings of cdk-nag's AwsSolutions checks that stay, each with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Acknowledgment, Stack

from infra.permissions import GRANTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.base import Base

_CHECKS = "AwsSolutions::AwsSolutions-"
ACCEPTED = {
    "COG1": "Length, and a list of common ones; rules of composition make passwords worse (OWASP ASVS 5.0, 6.2.5).",
    "COG2": "MFA is required on prod; on dev and staging each person may switch it on.",
    "COG8": "Threat protection needs the Plus plan, paid per user; the app throttles sign-in instead.",
    "COG4": "The pages and the app's own token endpoint have sessions or credentials of their own.",
    "APIG4": "The pages are open up to the sign-in; Django's sessions guard what lies behind.",
    "APIG2": "DRF validates every request; a model in the gateway would be a second truth.",
    "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]": (
        "API Gateway writes its log by AWS's own managed policy."
    ),
    "SMG4": "The signing key is not rotated by itself: that would sign everybody out.",
    "SQS3": "It is the queue of lost events itself.",
}


def accepted(bases: list[Base]) -> Iterator[Acknowledgment]:
    """Yield what is accepted; a wildcard in a role's policy for the reason that its grant gives."""
    for rule, reason in ACCEPTED.items():
        yield Acknowledgment(id=_CHECKS + rule, reason=reason)
    for base in bases:
        for resource, reason in _wildcards(base).items():
            yield Acknowledgment(id=f"{_CHECKS}IAM5[Resource::{resource}]", reason=reason)


def _wildcards(base: Base) -> dict[str, str]:
    """Return the resources with a wildcard in cdk-nag's spelling, and why each is there."""
    stage, lake = base.stage, Stack.of(base).get_logical_id(base.lake.node.default_child)
    places = {
        "partition": "<AWS::Partition>",
        "region": stage.region,
        "account": stage.account,
        "stage": stage.name,
        "bucket": f"<{lake}.Arn>",
        "pool": "",
        "worker": stage.worker,
    }
    found = {
        resource.format(**places): f"{grant.why} (only this stage's own)"
        for grant in GRANTS
        for resource in grant.resources
        if "*" in resource
    }
    web = f"arn:<AWS::Partition>:lambda:{stage.region}:{stage.account}:function:{stage.web}:*"
    return {**found, web: "the schedule may call any version of the one function it sweeps with"}
