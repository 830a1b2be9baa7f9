"""The user pool: three groups, the password and MFA policy, and the app's client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cognito as cognito

from databridge.resources import GROUPS, PASSWORD_POLICY

if TYPE_CHECKING:
    from constructs import Construct

    from infra.stages import Stage


def make_pool(scope: Construct, stage: Stage) -> cognito.UserPool:
    """Make the pool. Only Admins invite people; nobody signs up by himself."""
    pool = cognito.UserPool(
        scope,
        "People",
        user_pool_name=stage.named("people"),
        self_sign_up_enabled=False,
        sign_in_aliases=cognito.SignInAliases(email=True),
        sign_in_case_sensitive=False,
        auto_verify=cognito.AutoVerifiedAttrs(email=True),
        account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
        mfa=cognito.Mfa.REQUIRED if stage.mfa_required else cognito.Mfa.OPTIONAL,
        mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
        password_policy=cognito.PasswordPolicy(
            min_length=int(PASSWORD_POLICY["MinimumLength"]),
            require_uppercase=bool(PASSWORD_POLICY["RequireUppercase"]),
            require_lowercase=bool(PASSWORD_POLICY["RequireLowercase"]),
            require_digits=bool(PASSWORD_POLICY["RequireNumbers"]),
            require_symbols=bool(PASSWORD_POLICY["RequireSymbols"]),
            temp_password_validity=Duration.days(7),
        ),
        deletion_protection=stage.retain,
        removal_policy=RemovalPolicy.RETAIN if stage.retain else RemovalPolicy.DESTROY,
    )
    for group in GROUPS:
        cognito.CfnUserPoolGroup(scope, f"{group}Group", user_pool_id=pool.user_pool_id, group_name=group)
    return pool


def make_client(pool: cognito.UserPool) -> cognito.UserPoolClient:
    """Make the client by which the app signs people in: from the server only, with a secret."""
    return pool.add_client(
        "Web",
        auth_flows=cognito.AuthFlow(admin_user_password=True),
        generate_secret=True,
        disable_o_auth=True,
        prevent_user_existence_errors=True,
        enable_token_revocation=True,
        id_token_validity=Duration.hours(1),
        access_token_validity=Duration.hours(1),
        refresh_token_validity=Duration.days(7),
        auth_session_validity=Duration.minutes(5),
    )
