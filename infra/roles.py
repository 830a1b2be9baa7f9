"""The two functions' roles, made from the table of permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from infra.permissions import GRANTS

if TYPE_CHECKING:
    from aws_cdk import aws_cognito as cognito
    from aws_cdk import aws_s3 as s3

    from infra.stages import Stage


def make_role(scope: Stack, stage: Stage, function: str, pool: cognito.UserPool, lake: s3.Bucket) -> iam.Role:
    """Make the role of ``web`` or ``worker``."""
    places = {
        "partition": scope.partition,
        "region": scope.region,
        "account": scope.account,
        "stage": stage.name,
        "bucket": lake.bucket_arn,
        "pool": pool.user_pool_arn,
        "worker": stage.worker,
    }
    role = iam.Role(
        scope,
        f"{function.title()}Role",
        role_name=stage.named(f"{function}-role"),
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        description=f"What the {function} function of DataBridge {stage.name} may do.",
    )
    policy = iam.Policy(scope, f"{function.title()}Policy", roles=[role])
    for grant in GRANTS:
        if function in grant.functions:
            policy.add_statements(
                iam.PolicyStatement(
                    sid=grant.name,
                    actions=list(grant.actions),
                    resources=[resource.format(**places) for resource in grant.resources],
                )
            )
    return role
