"""The base of a stage: everything that must be there before the functions are deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack, Tags
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm

from infra.identity import make_client, make_machines, make_pool
from infra.lake import make_lake
from infra.permissions import WEB, WORKER
from infra.roles import make_role
from infra.tables import make_tables

if TYPE_CHECKING:
    from constructs import Construct

    from infra.stages import Stage

LOG_DAYS = {
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    365: logs.RetentionDays.ONE_YEAR,
}


class Base(Stack):
    """Pool, tables, lake, roles, logs, image repository, the queue of lost events, and the budget."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage, **arguments: Any) -> None:
        """Synthesise the stage's base."""
        super().__init__(scope, name, termination_protection=stage.retain, **arguments)
        self.stage = stage
        Tags.of(self).add("product", "databridge")
        Tags.of(self).add("stage", stage.name)
        self.pool = make_pool(self, stage)
        self.client = make_client(self.pool)
        self.machines = make_machines(self.pool, stage)
        self.lake = make_lake(self, stage)
        make_tables(self, stage)
        self.web_role = make_role(self, stage, WEB, self.pool, self.lake)
        self.worker_role = make_role(self, stage, WORKER, self.pool, self.lake)
        self._make_logs()
        self._make_lost_events()
        self._make_secret()
        self._make_images()
        self._make_budget()
        self._tell()

    def _make_logs(self) -> None:
        for function in (self.stage.web, self.stage.worker):
            logs.LogGroup(
                self,
                f"{function.rsplit('-', 1)[1].title()}Log",
                log_group_name=f"/aws/lambda/{function}",
                retention=LOG_DAYS[self.stage.log_days],
                removal_policy=RemovalPolicy.RETAIN if self.stage.retain else RemovalPolicy.DESTROY,
            )

    def _make_lost_events(self) -> None:
        """Keep what Lambda gave up, for a person to look at: a job in it is found by the sweep all the same."""
        self.lost_events = sqs.Queue(
            self,
            "LostEvents",
            queue_name=self.stage.named("lost-events"),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )

    def _make_secret(self) -> None:
        """Make the key that signs cookies and tokens of forms; its value is in no template and no environment."""
        self.secret = secretsmanager.Secret(
            self,
            "SigningKey",
            secret_name=f"databridge/{self.stage.name}/signing-key",
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=64, exclude_punctuation=True),
            removal_policy=RemovalPolicy.RETAIN if self.stage.retain else RemovalPolicy.DESTROY,
        )

    def _make_images(self) -> None:
        self.images = ecr.Repository(
            self,
            "Images",
            repository_name=f"databridge-{self.stage.name}",
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            lifecycle_rules=[ecr.LifecycleRule(max_image_count=10)],  # enough to roll back to
            removal_policy=RemovalPolicy.RETAIN if self.stage.retain else RemovalPolicy.DESTROY,
            empty_on_delete=not self.stage.retain,
        )

    def _make_budget(self) -> None:
        reached = [
            budgets.CfnBudget.NotificationWithSubscribersProperty(
                notification=budgets.CfnBudget.NotificationProperty(
                    comparison_operator="GREATER_THAN", notification_type=kind, threshold=percent
                ),
                subscribers=[
                    budgets.CfnBudget.SubscriberProperty(address=self.stage.alarm_email, subscription_type="EMAIL")
                ],
            )
            for kind, percent in (("ACTUAL", 80), ("FORECASTED", 100))
        ]
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=self.stage.named("budget"),
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=self.stage.budget_usd, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:stage${self.stage.name}"]},
            ),
            notifications_with_subscribers=reached if self.stage.alarm_email else None,
        )

    def _tell(self) -> None:
        """Write down what the functions and their deployment must know, as outputs and as SSM parameters."""
        told = {
            "Bucket": self.lake.bucket_name,
            "UserPoolId": self.pool.user_pool_id,
            "ClientId": self.client.user_pool_client_id,
            "WebRoleArn": self.web_role.role_arn,
            "WorkerRoleArn": self.worker_role.role_arn,
            "SigningKeyName": self.secret.secret_name,
            "ImageRepository": self.images.repository_uri,
            "LostEventsArn": self.lost_events.queue_arn,
        }
        if self.machines:
            told["MachineClients"] = ",".join(machine.user_pool_client_id for machine in self.machines)
        for key, value in told.items():
            CfnOutput(self, key, value=value)
            ssm.StringParameter(
                self, f"{key}Parameter", parameter_name=f"/databridge/{self.stage.name}/{key}", string_value=value
            )
