"""What every stage's edge holds."""

from __future__ import annotations

import json

from databridge.resources import GUARDED, MACHINE_DOOR, MACHINE_SCOPES
from infra.tests.conftest import of_type


def _paths(edge: dict) -> dict[str, str]:
    """Each API resource's path by its logical id."""
    found = {name: body["Properties"] for name, body in edge.items() if body["Type"] == "AWS::ApiGateway::Resource"}

    def path(name: str) -> str:
        parent = found[name]["ParentId"]
        above = path(parent["Ref"]) + "/" if "Ref" in parent else ""
        return above + found[name]["PathPart"]

    return {name: path(name) for name in found}


def test_the_products_endpoints_are_behind_cognito_and_the_pages_are_not(edge):
    paths = _paths(edge)
    doors: dict[str, dict[str, str]] = {}
    for body in edge.values():
        if body["Type"] == "AWS::ApiGateway::Method":
            method = body["Properties"]
            path = paths.get(method["ResourceId"].get("Ref", ""), "")
            doors.setdefault(path, {})[method["HttpMethod"]] = method["AuthorizationType"]
    for path, methods in GUARDED.items():
        for door in (path, f"{MACHINE_DOOR}/{path}"):
            assert doors.pop(door) == {"OPTIONS": "NONE"} | dict.fromkeys(methods, "COGNITO_USER_POOLS")
    assert doors == {"": {"ANY": "NONE"}, "{proxy+}": {"ANY": "NONE"}}


def test_machines_come_in_by_scopes_and_people_by_id_tokens(edge):
    paths = _paths(edge)
    asked = {
        (
            paths[method["ResourceId"]["Ref"]].startswith(f"{MACHINE_DOOR}/"),
            tuple(method.get("AuthorizationScopes", ())),
        )
        for method in of_type(edge, "ApiGateway::Method")
        if method["AuthorizationType"] == "COGNITO_USER_POOLS"
    }
    assert asked == {(True, MACHINE_SCOPES), (False, ())}


def test_the_api_takes_binary_bodies_and_is_throttled_and_logged(edge, stage):
    (api,) = of_type(edge, "ApiGateway::RestApi")
    assert api["BinaryMediaTypes"] == ["*/*"]
    (deployed,) = of_type(edge, "ApiGateway::Stage")
    assert deployed["StageName"] == stage.name
    assert deployed["MethodSettings"][0]["ThrottlingRateLimit"] == stage.requests_per_second
    assert deployed["AccessLogSetting"]["DestinationArn"]


def test_every_call_of_the_api_reaches_the_web_function_within_29_seconds(edge, stage):
    for method in of_type(edge, "ApiGateway::Method"):
        integration = method["Integration"]
        assert integration["Type"] == "AWS_PROXY"
        assert integration["TimeoutInMillis"] == 29_000
        assert integration["Credentials"]
        assert f"function:{stage.web}" in json.dumps(integration["Uri"])


def test_addresses_that_ask_too_often_are_refused(edge, stage):
    (acl,) = of_type(edge, "WAFv2::WebACL")
    (rule,) = acl["Rules"]
    assert rule["Statement"]["RateBasedStatement"]["Limit"] == stage.requests_per_5_minutes
    assert rule["Action"] == {"Block": {}}
    assert len(of_type(edge, "WAFv2::WebACLAssociation")) == 1


def test_the_sweep_runs_every_minute(edge, stage):
    (schedule,) = of_type(edge, "Scheduler::Schedule")
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert json.loads(schedule["Target"]["Input"]) == {"command": "ingestion.tasks.sweep"}
    assert f"function:{stage.web}" in json.dumps(schedule["Target"]["Arn"])


def test_lost_tasks_are_tried_twice_more_and_then_kept(edge):
    (rules,) = of_type(edge, "Lambda::EventInvokeConfig")
    assert rules["MaximumRetryAttempts"] == 2
    assert rules["DestinationConfig"]["OnFailure"]["Destination"]


def test_somebody_is_told_of_failures(edge):
    alarms = {alarm["AlarmName"].rsplit("-", 1)[1]: alarm for alarm in of_type(edge, "CloudWatch::Alarm")}
    assert set(alarms) == {
        "FailedJobs", "OldestPending", "LostEvents", "Throttles", "WebErrors", "WorkerErrors", "ServerErrors", "Latency",
    }  # fmt: skip
    assert all(alarm["AlarmActions"] for alarm in alarms.values())
    assert len(of_type(edge, "CloudWatch::Dashboard")) == 1


def test_the_gateway_refuses_in_the_words_of_the_app(edge):
    refusals = {found["ResponseType"]: found for found in of_type(edge, "ApiGateway::GatewayResponse")}
    unauthorized = refusals["UNAUTHORIZED"]
    assert json.loads(unauthorized["ResponseTemplates"]["application/json"])["code"] == "NOT_SIGNED_IN"
    headers = unauthorized["ResponseParameters"]
    assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
    assert "Bearer" in headers["gatewayresponse.header.WWW-Authenticate"]
    assert {"REQUEST_TOO_LARGE", "THROTTLED", "INTEGRATION_TIMEOUT"} <= set(refusals)
