"""The embedded AWS and the templates describe one and the same stage."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from databridge.aws import client
from databridge.resources import AUTH_FLOWS, GROUPS, PASSWORD_POLICY, tables
from infra.tests.conftest import of_type


def _shape(table: dict) -> dict:
    """Keys, indexes and billing of a table, as both CloudFormation and DescribeTable put them."""

    def keys(schema: list) -> tuple:
        return tuple((key["KeyType"], key["AttributeName"]) for key in sorted(schema, key=lambda key: key["KeyType"]))

    return {
        "keys": keys(table["KeySchema"]),
        "types": {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]},
        "indexes": {
            index["IndexName"]: (keys(index["KeySchema"]), index["Projection"]["ProjectionType"])
            for index in table.get("GlobalSecondaryIndexes", [])
        },
    }


def test_tables_indexes_and_expiry_are_the_same(stack, base, stage):
    dynamodb = client("dynamodb")
    planned = {table["TableName"].removeprefix(stage.named("")): table for table in of_type(base, "DynamoDB::Table")}
    embedded = {model.Meta.table_name.removeprefix("databridge-local-") for model in tables()}
    assert set(planned) == embedded
    for kind, table in planned.items():
        name = f"databridge-local-{kind}"
        assert _shape(table) == _shape(dynamodb.describe_table(TableName=name)["Table"])
        told = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        assert table.get("TimeToLiveSpecification", {}).get("AttributeName") == told.get("AttributeName")


def test_pool_groups_and_client_are_the_same(stack, base):
    cognito = client("cognito-idp")
    pool_id = stack.env["DATABRIDGE_USER_POOL_ID"]
    here = cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"]
    (pool,) = of_type(base, "Cognito::UserPool")
    planned = pool["Policies"]["PasswordPolicy"]
    assert {name: planned[name] for name in PASSWORD_POLICY} == PASSWORD_POLICY
    assert {name: here["Policies"]["PasswordPolicy"][name] for name in PASSWORD_POLICY} == PASSWORD_POLICY
    assert pool["UsernameAttributes"] == here["UsernameAttributes"]
    assert pool["AutoVerifiedAttributes"] == here["AutoVerifiedAttributes"]
    groups = {group["GroupName"] for group in cognito.list_groups(UserPoolId=pool_id)["Groups"]}
    assert {group["GroupName"] for group in of_type(base, "Cognito::UserPoolGroup")} == groups == set(GROUPS)
    embedded = cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=stack.env["DATABRIDGE_CLIENT_ID"])
    (app_client,) = [found for found in of_type(base, "Cognito::UserPoolClient") if "ExplicitAuthFlows" in found]
    assert app_client["ExplicitAuthFlows"] == list(AUTH_FLOWS)
    assert sorted(embedded["UserPoolClient"]["ExplicitAuthFlows"]) == sorted(AUTH_FLOWS)


def test_the_bucket_is_closed_encrypted_and_tidied_alike(stack, base, stage):
    """Versions are kept on AWS only: the embedded S3 would hold them in memory."""
    s3 = client("s3")
    lake = next(bucket for bucket in of_type(base, "S3::Bucket") if bucket.get("BucketName") == stage.bucket)
    name = stack.env["DATABRIDGE_BUCKET"]
    closed = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert closed == lake["PublicAccessBlockConfiguration"]
    here = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    planned = lake["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert [rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in here] == [
        rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in planned
    ]
    rules = {rule["ID"]: rule for rule in s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]}
    wanted = {rule["Id"]: rule for rule in lake["LifecycleConfiguration"]["Rules"]}
    assert rules["chunks"]["Expiration"]["Days"] == wanted["chunks"]["ExpirationInDays"]
    assert (
        rules["incomplete"]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        == wanted["incomplete"]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
    )


def test_cloudformation_finds_no_fault_in_the_templates(assembly):
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run(
        [linter, "--format", "json", *sorted(assembly.glob("*.template.json"))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = [f"{entry['Rule']['Id']} {entry['Message']}" for entry in json.loads(done.stdout or "[]")]
    assert found == []
    assert done.returncode == 0, done.stderr


def test_node_is_there():
    assert shutil.which("node"), "CDK needs Node"
