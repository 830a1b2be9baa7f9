"""The comparison of what the functions do with what they may do finds what it is there to find."""

from __future__ import annotations

import pytest

from databridge.local.calls import needed
from infra.permissions import Call, forbidden, unused

BUCKET = "databridge-erp-local"


@pytest.mark.parametrize(
    "call",
    [
        Call("web", "s3:GetObject", f"{BUCKET}/jobs/x/preview.json"),
        Call("worker", "s3:DeleteObject", f"{BUCKET}/up/x/000"),
        Call("web", "dynamodb:Query", "databridge-local-jobs/index/by_user"),
        Call("worker", "secretsmanager:GetSecretValue", "databridge/local/jobs/x"),
        Call("worker", "lambda:InvokeFunction", "databridge-local-worker"),
    ],
)
def test_what_a_grant_covers_is_allowed(call):
    assert forbidden({call}) == []


@pytest.mark.parametrize(
    "call",
    [
        Call("worker", "cognito-idp:AdminGetUser", "us-east-1_x"),
        Call("web", "s3:GetObject", "another-bucket/x"),
        Call("web", "s3:DeleteObject", f"{BUCKET}/elsewhere/x"),
        Call("web", "dynamodb:DeleteTable", "databridge-local-jobs"),
        Call("web", "dynamodb:GetItem", "databridge-prod-jobs"),
        Call("worker", "secretsmanager:GetSecretValue", "databridge/local/others/x"),
        Call("web", "dynamodb:DeleteItem", "databridge-local-audit"),
        Call("web", "dynamodb:UpdateItem", "databridge-local-audit"),
        Call("worker", "lambda:InvokeFunction", "another-function"),
    ],
)
def test_what_no_grant_covers_is_named(call):
    (line,) = forbidden({call})
    assert call.action in line
    assert call.resource in line


def test_what_nothing_uses_is_named_unless_it_is_explained():
    lines = unused(set())
    assert any("web never used cognito-idp:AdminCreateUser of ManagePeople" in line for line in lines)
    assert not any("logs:PutLogEvents" in line for line in lines)


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "actions"),
    [
        ("s3", "HeadObject", {"Bucket": "b", "Key": "k"}, [("s3:GetObject", "b/k")]),
        ("s3", "ListObjectsV2", {"Bucket": "b"}, [("s3:ListBucket", "b")]),
        ("s3", "CompleteMultipartUpload", {"Bucket": "b", "Key": "k"}, [("s3:PutObject", "b/k")]),
        (
            "s3",
            "CopyObject",
            {"Bucket": "b", "Key": "k", "CopySource": {"Bucket": "b", "Key": "from"}},
            [("s3:GetObject", "b/from"), ("s3:PutObject", "b/k")],
        ),
        (
            "s3",
            "DeleteObjects",
            {"Bucket": "b", "Delete": {"Objects": [{"Key": "1"}, {"Key": "2"}]}},
            [("s3:DeleteObject", "b/1"), ("s3:DeleteObject", "b/2")],
        ),
        (
            "dynamodb",
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "t"}}, {"ConditionCheck": {"TableName": "u"}}]},
            [("dynamodb:PutItem", "t"), ("dynamodb:ConditionCheckItem", "u")],
        ),
        ("dynamodb", "Query", {"TableName": "t", "IndexName": "i"}, [("dynamodb:Query", "t/index/i")]),
        ("cognito-idp", "ForgotPassword", {"ClientId": "c"}, []),
        ("cognito-idp", "AdminGetUser", {"UserPoolId": "p"}, [("cognito-idp:AdminGetUser", "p")]),
    ],
)
def test_a_call_needs_the_actions_that_aws_documents(service, operation, arguments, actions):
    assert needed(service, operation, arguments) == actions
