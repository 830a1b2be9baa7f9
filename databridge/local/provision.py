"""The stage's resources inside the embedded AWS; run again it changes nothing that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from databridge.aws import client
from databridge.resources import AUTH_FLOWS, GROUPS, LIFE_CYCLE, PASSWORD_POLICY, RESOURCE_SERVER, SCOPES, tables

if TYPE_CHECKING:
    from pynamodb.models import Model

BUCKET = "databridge-erp-local"
POOL = "databridge-local"
CLIENT = "databridge-local-web"
MACHINE_CLIENT = "databridge-local-nightly"
DEMO_PASSWORD = "Try-DataBridge-1"  # noqa: S105  (documented, and only ever on the embedded AWS)
DEMO_USERS = {f"{group.lower()}@databridge.example": group for group in GROUPS}


def bucket() -> None:
    """Make the lake's bucket, closed, encrypted and tidied as on AWS; only versions are not kept in memory here."""
    s3 = client("s3")
    if BUCKET not in {known["Name"] for known in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET)
    s3.put_public_access_block(
        Bucket=BUCKET,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    s3.put_bucket_encryption(
        Bucket=BUCKET,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    )
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": list(LIFE_CYCLE)})


def all_tables() -> None:
    """Make every table with its indexes and its time to live; a table that is there gets the indexes it lacks."""
    for model in tables():
        if model.exists():
            _missing_indexes(model)
        else:
            model.create_table(wait=True)


def _missing_indexes(model: type[Model]) -> None:
    dynamodb = client("dynamodb")
    described = dynamodb.describe_table(TableName=model.Meta.table_name)["Table"]
    there = {index["IndexName"] for index in described.get("GlobalSecondaryIndexes", [])}
    for index in model._get_schema()["global_secondary_indexes"]:  # noqa: SLF001  (what pynamodb makes tables from)
        if index["index_name"] in there:
            continue
        wanted = {
            "IndexName": index["index_name"],
            "KeySchema": index["key_schema"],
            "Projection": index["projection"],
        }
        dynamodb.update_table(
            TableName=model.Meta.table_name,
            AttributeDefinitions=index["attribute_definitions"],
            GlobalSecondaryIndexUpdates=[{"Create": wanted}],
        )


def pool() -> tuple[str, str]:
    """Make the user pool with its groups, client and demo users; return the pool's and the client's id."""
    cognito = client("cognito-idp")
    known = {p["Name"]: p["Id"] for p in cognito.list_user_pools(MaxResults=60)["UserPools"]}
    pool_id = known.get(POOL) or _new_pool(cognito)
    clients = cognito.list_user_pool_clients(UserPoolId=pool_id, MaxResults=60)["UserPoolClients"]
    client_id = next((c["ClientId"] for c in clients if c["ClientName"] == CLIENT), None)
    if client_id is None:
        client_id = cognito.create_user_pool_client(
            UserPoolId=pool_id, ClientName=CLIENT, ExplicitAuthFlows=list(AUTH_FLOWS)
        )["UserPoolClient"]["ClientId"]
    for email, group in DEMO_USERS.items():
        _demo_user(cognito, pool_id, email, group)
    return pool_id, client_id


def machine_client(pool_id: str) -> tuple[str, str]:
    """Make a machine client that may do what an Operator may; return its id and secret."""
    cognito = client("cognito-idp")
    servers = cognito.list_resource_servers(UserPoolId=pool_id, MaxResults=50)["ResourceServers"]
    if RESOURCE_SERVER not in {server["Identifier"] for server in servers}:
        scopes = [{"ScopeName": name, "ScopeDescription": f"What an {name} may do"} for name in SCOPES]
        cognito.create_resource_server(
            UserPoolId=pool_id, Identifier=RESOURCE_SERVER, Name="DataBridge ERP", Scopes=scopes
        )
    known = cognito.list_user_pool_clients(UserPoolId=pool_id, MaxResults=60)["UserPoolClients"]
    client_id = next((c["ClientId"] for c in known if c["ClientName"] == MACHINE_CLIENT), None)
    if client_id is None:
        client_id = cognito.create_user_pool_client(
            UserPoolId=pool_id,
            ClientName=MACHINE_CLIENT,
            GenerateSecret=True,
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=[f"{RESOURCE_SERVER}/operator"],
        )["UserPoolClient"]["ClientId"]
    found = cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)["UserPoolClient"]
    return client_id, found["ClientSecret"]


def _new_pool(cognito: Any) -> str:
    made = cognito.create_user_pool(
        PoolName=POOL,
        Policies={"PasswordPolicy": PASSWORD_POLICY},
        UsernameAttributes=["email"],
        AutoVerifiedAttributes=["email"],
    )
    pool_id = made["UserPool"]["Id"]
    for group in GROUPS:
        cognito.create_group(UserPoolId=pool_id, GroupName=group)
    return str(pool_id)


def _demo_user(cognito: Any, pool_id: str, email: str, group: str) -> None:
    try:
        cognito.admin_get_user(UserPoolId=pool_id, Username=email)
    except cognito.exceptions.UserNotFoundException:
        attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        cognito.admin_create_user(
            UserPoolId=pool_id, Username=email, UserAttributes=attributes, MessageAction="SUPPRESS"
        )
        cognito.admin_set_user_password(UserPoolId=pool_id, Username=email, Password=DEMO_PASSWORD, Permanent=True)
        cognito.admin_add_user_to_group(UserPoolId=pool_id, Username=email, GroupName=group)
