"""The edge of a stage: what needs the deployed functions. The API, its firewall, schedules and retry rules."""

from __future__ import annotations

import json
from http import HTTPStatus
from itertools import product
from typing import TYPE_CHECKING, Any

from aws_cdk import ArnFormat, CfnOutput, Duration, Stack, Tags
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as certificates
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as functions
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_wafv2 as waf

from databridge.resources import GUARDED, MACHINE_DOOR, MACHINE_SCOPES
from infra.base import LOG_DAYS
from infra.watch import watch

if TYPE_CHECKING:
    from constructs import Construct

    from infra.base import Base
    from infra.stages import Stage

REFUSALS = {
    "UNAUTHORIZED": (401, "NOT_SIGNED_IN", "A valid ID token of this stage's user pool is needed."),
    "ACCESS_DENIED": (403, "FORBIDDEN", "This is not allowed."),
    "REQUEST_TOO_LARGE": (413, "REQUEST_TOO_LARGE", "The request is larger than 10 MB; use /uploads."),
    "THROTTLED": (429, "TOO_MANY_REQUESTS", "Too many requests at once; try again in a moment."),
    "WAF_FILTERED": (429, "TOO_MANY_REQUESTS", "Too many requests from this address; try again in some minutes."),
    "INTEGRATION_FAILURE": (502, "FUNCTION_FAILED", "The function did not answer."),
    "INTEGRATION_TIMEOUT": (504, "TIMED_OUT", "The request took longer than 29 s."),
}
SWEEP = {"command": "ingestion.tasks.sweep"}


class Edge(Stack):
    """One REST API with two doors, and what looks after the functions."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage, base: Base, **arguments: Any) -> None:
        """Synthesise the stage's edge; the functions must have been deployed before it is."""
        super().__init__(scope, name, **arguments)
        self.stage = stage
        Tags.of(self).add("product", "databridge")
        Tags.of(self).add("stage", stage.name)
        self.web = self._function("Web", stage.web, base.web_role)
        self.worker = self._function("Worker", stage.worker, base.worker_role)
        self.api = self._make_api()
        self._make_doors(base)
        self._make_refusals()
        self._make_firewall()
        self._make_retry_rules(base)
        self._make_schedule()
        watch(self, stage, api=self.api, web=self.web, worker=self.worker, lost_events=base.lost_events)
        CfnOutput(self, "ApiUrl", value=self.api.url)

    def _function(self, name: str, function: str, role: iam.Role) -> functions.IFunction:
        arn = self.format_arn(
            service="lambda", resource="function", resource_name=function, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        return functions.Function.from_function_attributes(
            self, name, function_arn=arn, role=role, same_environment=True
        )

    def _make_api(self) -> apigateway.RestApi:
        log = logs.LogGroup(self, "AccessLog", retention=LOG_DAYS[self.stage.log_days])
        domain = None
        if self.stage.domain:
            domain = apigateway.DomainNameOptions(
                domain_name=self.stage.domain,
                certificate=certificates.Certificate.from_certificate_arn(
                    self, "Certificate", self.stage.certificate_arn
                ),
                security_policy=apigateway.SecurityPolicy.TLS_1_2,
            )
        return apigateway.RestApi(
            self,
            "Api",
            rest_api_name=self.stage.named("api"),
            description="DataBridge ERP: the API behind tokens, the pages behind sessions.",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            binary_media_types=["*/*"],
            domain_name=domain,
            disable_execute_api_endpoint=domain is not None,  # pages know one address only
            cloud_watch_role=True,
            deploy_options=apigateway.StageOptions(
                stage_name=self.stage.name,
                throttling_rate_limit=self.stage.requests_per_second,
                throttling_burst_limit=self.stage.requests_per_second * 2,
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                metrics_enabled=True,
                access_log_destination=apigateway.LogGroupLogDestination(log),
                access_log_format=apigateway.AccessLogFormat.json_with_standard_fields(
                    caller=False,
                    http_method=True,
                    ip=True,
                    protocol=True,
                    request_time=True,
                    resource_path=True,
                    response_length=True,
                    status=True,
                    user=False,
                ),
            ),
        )

    def _make_doors(self, base: Base) -> None:
        """Put the authorizer before the product's endpoints, and none before the pages, which have sessions."""
        invoker = iam.Role(
            self,
            "Invoker",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            description="By which the API calls the web function.",
        )
        invoker.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[self.web.function_arn]))
        to_web = apigateway.LambdaIntegration(
            self.web, credentials_role=invoker, timeout=Duration.seconds(29), allow_test_invoke=False
        )
        authorizer = apigateway.CognitoUserPoolsAuthorizer(
            self, "Tokens", cognito_user_pools=[base.pool], results_cache_ttl=Duration.minutes(5)
        )
        # a method with scopes takes access tokens only, one without them ID tokens only: hence a door for each
        doors = {"": None, f"{MACHINE_DOOR}/": list(MACHINE_SCOPES)}
        for (door, scopes), (path, methods) in product(doors.items(), GUARDED.items()):
            resource = self.api.root.resource_for_path(door + path)
            for method in methods:
                resource.add_method(
                    method,
                    to_web,
                    authorizer=authorizer,
                    authorization_type=apigateway.AuthorizationType.COGNITO,
                    authorization_scopes=scopes,
                )
            # tus clients ask what the server can do before they have a token to show
            resource.add_method("OPTIONS", to_web, authorization_type=apigateway.AuthorizationType.NONE)
        self.api.root.add_method("ANY", to_web, authorization_type=apigateway.AuthorizationType.NONE)
        self.api.root.add_resource("{proxy+}").add_method(
            "ANY", to_web, authorization_type=apigateway.AuthorizationType.NONE
        )

    def _make_refusals(self) -> None:
        """Let the gateway's own refusals speak as the app does: problem+json with a code (RFC 9457)."""
        for kind, (status, code, detail) in REFUSALS.items():
            body = {"code": code, "status": status, "title": HTTPStatus(status).phrase, "detail": detail, "hint": ""}
            headers = {"Content-Type": "'application/problem+json'"}
            if status == HTTPStatus.UNAUTHORIZED:
                headers["WWW-Authenticate"] = "'Bearer realm=\"databridge\"'"
            self.api.add_gateway_response(
                kind,
                type=apigateway.ResponseType.of(kind),
                status_code=str(status),
                response_headers=headers,
                templates={"application/json": json.dumps(body)},
            )

    def _make_firewall(self) -> None:
        """Refuse addresses that send far more requests than people and programs do."""
        if not self.stage.firewall:
            return
        acl = waf.CfnWebACL(
            self,
            "Firewall",
            name=self.stage.named("firewall"),
            scope="REGIONAL",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_seen_as(self.stage.named("firewall")),
            rules=[
                waf.CfnWebACL.RuleProperty(
                    name="rate",
                    priority=0,
                    action=waf.CfnWebACL.RuleActionProperty(block={}),
                    visibility_config=_seen_as(self.stage.named("rate")),
                    statement=waf.CfnWebACL.StatementProperty(
                        rate_based_statement=waf.CfnWebACL.RateBasedStatementProperty(
                            aggregate_key_type="IP",
                            limit=self.stage.requests_per_5_minutes,
                            evaluation_window_sec=300,
                        )
                    ),
                )
            ],
        )
        waf.CfnWebACLAssociation(
            self,
            "FirewallOfApi",
            web_acl_arn=acl.attr_arn,
            resource_arn=self.api.deployment_stage.stage_arn,
        )

    def _make_retry_rules(self, base: Base) -> None:
        """Let Lambda try a lost task twice again, and keep what it gives up."""
        functions.EventInvokeConfig(
            self,
            "WorkerRetries",
            function=self.worker,
            retry_attempts=2,
            max_event_age=Duration.hours(6),
            on_failure=destinations.SqsDestination(base.lost_events),
        )

    def _make_schedule(self) -> None:
        """Sweep every minute. The web function does it: it is small, and the sweep reads only DynamoDB."""
        scheduler.Schedule(
            self,
            "Sweep",
            schedule_name=self.stage.named("sweep"),
            schedule=scheduler.ScheduleExpression.rate(Duration.minutes(1)),
            target=targets.LambdaInvoke(
                self.web,
                input=scheduler.ScheduleTargetInput.from_object(SWEEP),
                retry_attempts=0,  # the next one comes in a minute
                max_event_age=Duration.minutes(1),
            ),
            description="Finds jobs that nobody looks after.",
        )


def _seen_as(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )
