"""What every stage's base holds."""

from __future__ import annotations

import pytest

from infra.permissions import GRANTS
from infra.tests.conftest import of_type


def test_all_stages_synthesise(templates):
    assert sorted(templates) == sorted(
        f"databridge-{stage}-{part}" for stage in ("dev", "staging", "prod") for part in ("base", "edge")
    )


def test_the_pool_takes_invited_people_only_and_asks_for_strong_passwords(base, stage):
    (pool,) = of_type(base, "Cognito::UserPool")
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["UsernameAttributes"] == ["email"]
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    assert pool["MfaConfiguration"] == ("ON" if stage.mfa_required else "OPTIONAL")
    assert pool["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]
    assert {group["GroupName"] for group in of_type(base, "Cognito::UserPoolGroup")} == {"Admin", "Operator", "Viewer"}


def test_the_client_signs_in_from_the_server_with_a_secret(base):
    (client,) = [client for client in of_type(base, "Cognito::UserPoolClient") if "ExplicitAuthFlows" in client]
    assert client["GenerateSecret"] is True
    assert client["ExplicitAuthFlows"] == ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert client["EnableTokenRevocation"] is True


def test_machines_sign_in_by_client_credentials_with_one_role_each(base, stage):
    (server,) = of_type(base, "Cognito::UserPoolResourceServer")
    assert [scope["ScopeName"] for scope in server["Scopes"]] == ["admin", "operator", "viewer"]
    machines = [found for found in of_type(base, "Cognito::UserPoolClient") if "ExplicitAuthFlows" not in found]
    assert {found["ClientName"] for found in machines} == {stage.named(machine.name) for machine in stage.machines}
    for found in machines:
        assert found["AllowedOAuthFlows"] == ["client_credentials"]
        assert len(found["AllowedOAuthScopes"]) == 1
        assert found["GenerateSecret"] is True
    (domain,) = of_type(base, "Cognito::UserPoolDomain")
    assert domain["Domain"] == stage.sign_in_domain


def test_tables_cost_nothing_idle_and_can_be_restored(base, stage):
    tables = of_type(base, "DynamoDB::Table")
    assert len(tables) >= 7
    for table in tables:
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table.get("DeletionProtectionEnabled", False) is stage.retain


def test_the_lake_is_encrypted_versioned_private_and_tidied(base, stage):
    lake = next(bucket for bucket in of_type(base, "S3::Bucket") if bucket.get("BucketName") == stage.bucket)
    assert lake["VersioningConfiguration"] == {"Status": "Enabled"}
    assert lake["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert set(lake["PublicAccessBlockConfiguration"].values()) == {True}
    rules = {rule["Id"]: rule for rule in lake["LifecycleConfiguration"]["Rules"]}
    assert rules["chunks"]["Prefix"] == "up/"
    assert rules["chunks"]["ExpirationInDays"] == 7
    assert rules["incomplete"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}
    assert rules["raw"]["Transitions"][0]["TransitionInDays"] == stage.raw_to_archive_days
    assert "parquet/" not in {rule.get("Prefix") for rule in rules.values()}, "published rows never expire"
    denied = [
        statement
        for policy in of_type(base, "S3::BucketPolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    ]
    assert len(denied) == 2, "both buckets refuse requests without TLS"


def test_data_outlives_the_stack_on_prod_only(base, stage):
    kept = {"DynamoDB::Table", "S3::Bucket", "Cognito::UserPool"}
    policies = {found["DeletionPolicy"] for found in base.values() if found["Type"].removeprefix("AWS::") in kept}
    assert policies == ({"Retain"} if stage.retain else {"Delete"})


def test_logs_end_lost_events_are_kept_and_money_is_watched(base, stage):
    logs = {log["LogGroupName"]: log["RetentionInDays"] for log in of_type(base, "Logs::LogGroup")}
    assert logs == {f"/aws/lambda/{name}": stage.log_days for name in (stage.web, stage.worker)}
    (queue,) = of_type(base, "SQS::Queue")
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    (budget,) = of_type(base, "Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": stage.budget_usd, "Unit": "USD"}


def test_images_are_scanned_and_never_overwritten(base):
    (images,) = of_type(base, "ECR::Repository")
    assert images["ImageTagMutability"] == "IMMUTABLE"
    assert images["ImageScanningConfiguration"] == {"ScanOnPush": True}


def test_what_the_deployment_must_know_is_told_twice(templates, base, stage):
    outputs = templates[stage.named("base")]["Outputs"]
    parameters = {found["Name"].rsplit("/", 1)[1] for found in of_type(base, "SSM::Parameter")}
    assert parameters <= set(outputs)
    assert {"Bucket", "UserPoolId", "ClientId", "WebRoleArn", "WorkerRoleArn", "SigningKeyName"} <= parameters


@pytest.mark.parametrize("function", ["web", "worker"])
def test_a_role_may_do_what_its_grants_say_and_nothing_on_everything(base, function):
    allowed = set()
    for name, found in base.items():
        if found["Type"] != "AWS::IAM::Policy" or not name.lower().startswith(f"{function}policy"):
            continue
        for statement in found["Properties"]["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            assert statement["Resource"] != "*"
            actions = statement["Action"]
            allowed |= {actions} if isinstance(actions, str) else set(actions)
    assert allowed == {action for grant in GRANTS if function in grant.functions for action in grant.actions}
    assert not any("*" in action for action in allowed)


def test_only_the_web_function_may_touch_people():
    people = {
        action for grant in GRANTS if "worker" in grant.functions for action in grant.actions if "cognito" in action
    }
    assert people == set()
