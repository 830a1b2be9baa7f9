"""DynamoDB tables, made from the very models that the app reads and writes with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb

from databridge.resources import schemas

if TYPE_CHECKING:
    from constructs import Construct

    from infra.stages import Stage

_TYPES = {
    "S": dynamodb.AttributeType.STRING,
    "N": dynamodb.AttributeType.NUMBER,
    "B": dynamodb.AttributeType.BINARY,
}


def make_tables(scope: Construct, stage: Stage) -> dict[str, dynamodb.Table]:
    """Make every table of the app, by its kind: ``jobs``, ``events`` and so on."""
    return {kind: _table(scope, stage, kind, schema) for kind, schema in schemas().items()}


def _table(scope: Construct, stage: Stage, kind: str, schema: dict[str, Any]) -> dynamodb.Table:
    types = {found["AttributeName"]: _TYPES[found["AttributeType"]] for found in schema["attribute_definitions"]}
    table = dynamodb.Table(
        scope,
        f"{kind.title()}Table",
        table_name=stage.named(kind),
        **_keys(schema["key_schema"], types),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        time_to_live_attribute=schema["time_to_live"],
        deletion_protection=stage.retain,
        removal_policy=RemovalPolicy.RETAIN if stage.retain else RemovalPolicy.DESTROY,
    )
    for index in schema["global_secondary_indexes"]:
        table.add_global_secondary_index(
            index_name=index["index_name"],
            **_keys(index["key_schema"], types),
            projection_type=dynamodb.ProjectionType[index["projection"]["ProjectionType"]],
        )
    return table


def _keys(schema: list[dict[str, str]], types: dict[str, dynamodb.AttributeType]) -> dict[str, Any]:
    names = {key["KeyType"]: key["AttributeName"] for key in schema}
    return {
        argument: dynamodb.Attribute(name=names[kind], type=types[names[kind]])
        for argument, kind in (("partition_key", "HASH"), ("sort_key", "RANGE"))
        if kind in names
    }
