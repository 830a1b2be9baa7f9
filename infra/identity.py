"""The user pool: three groups, the password and MFA policy, the app's client, and the machines' clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cognito as cognito

from databridge.resources import GROUPS, PASSWORD_POLICY, RESOURCE_SERVER, SCOPES

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


def make_machines(pool: cognito.UserPool, stage: Stage) -> list[cognito.UserPoolClient]:
    """Make a client for each machine of the stage: by client credentials only, with the one scope of its role."""
    scopes = {
        name: cognito.ResourceServerScope(scope_name=name, scope_description=f"What an {name} may do")
        for name in SCOPES
    }
    server = pool.add_resource_server(
        "Roles",
        identifier=RESOURCE_SERVER,
        user_pool_resource_server_name="DataBridge ERP",
        scopes=list(scopes.values()),
    )
    pool.add_domain("SignIn", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=stage.sign_in_domain))
    return [
        pool.add_client(
            f"{machine.name.title()}Machine",
            user_pool_client_name=stage.named(machine.name),
            generate_secret=True,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(client_credentials=True),
                scopes=[cognito.OAuthScope.resource_server(server, scopes[machine.role])],
            ),
            access_token_validity=Duration.hours(1),
        )
        for machine in stage.machines
    ]
