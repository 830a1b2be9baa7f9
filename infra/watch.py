"""What an admin looks at and is woken by: alarms and one dashboard a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions

if TYPE_CHECKING:
    from aws_cdk import Stack
    from aws_cdk import aws_apigateway as apigateway
    from aws_cdk import aws_lambda as functions
    from aws_cdk import aws_sqs as sqs

    from infra.stages import Stage

NAMESPACE = "DataBridge"  # as ingestion/metrics.py names it
FIVE_MINUTES = Duration.minutes(5)


def watch(
    scope: Stack,
    stage: Stage,
    *,
    api: apigateway.RestApi,
    web: functions.IFunction,
    worker: functions.IFunction,
    lost_events: sqs.Queue,
) -> None:
    """Make the alarms, the topic that tells of them, and the dashboard."""
    metrics = _metrics(stage, api, web, worker, lost_events)
    topic = sns.Topic(scope, "Alarms", topic_name=stage.named("alarms"), enforce_ssl=True)
    if stage.alarm_email:
        topic.add_subscription(subscriptions.EmailSubscription(stage.alarm_email))
    for name, (metric, threshold, periods, why) in metrics.items():
        alarm = cloudwatch.Alarm(
            scope,
            f"{name}Alarm",
            alarm_name=stage.named(f"alarm-{name}"),
            alarm_description=why,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(topic))
    dashboard = cloudwatch.Dashboard(scope, "Dashboard", dashboard_name=stage.named("overview"))
    for metric, *_, why in metrics.values():
        dashboard.add_widgets(cloudwatch.GraphWidget(title=why, left=[metric], width=12))
    dashboard.add_widgets(
        cloudwatch.GraphWidget(
            title="How jobs end", left=[_ours(stage, name) for name in ("JobsSucceeded", "JobsFailed")], width=12
        ),
        cloudwatch.GraphWidget(title="Rows loaded", left=[_ours(stage, "RowsLoaded")], width=12),
    )


def _metrics(
    stage: Stage,
    api: apigateway.RestApi,
    web: functions.IFunction,
    worker: functions.IFunction,
    lost_events: sqs.Queue,
) -> dict[str, tuple[Any, float, int, str]]:
    """Return what is watched: the metric, from where on it alarms, for how many periods, and what it means."""
    throttles = cloudwatch.MathExpression(
        expression="web + worker",
        using_metrics={
            "web": web.metric_throttles(period=FIVE_MINUTES),
            "worker": worker.metric_throttles(period=FIVE_MINUTES),
        },
        period=FIVE_MINUTES,
    )
    return {
        "FailedJobs": (_ours(stage, "JobsFailed"), 1, 1, "Jobs failed"),
        "OldestPending": (
            _ours(stage, "OldestPendingSeconds", statistic="Maximum"), 600, 2, "The oldest waiting job, in seconds"
        ),
        "LostEvents": (
            lost_events.metric_approximate_number_of_messages_visible(period=FIVE_MINUTES), 1, 1,
            "Events that Lambda gave up",
        ),
        "Throttles": (throttles, 1, 1, "Invocations that Lambda refused for lack of room"),
        "WebErrors": (web.metric_errors(period=FIVE_MINUTES), 1, 1, "Errors of the web function"),
        "WorkerErrors": (worker.metric_errors(period=FIVE_MINUTES), 1, 1, "Errors of the worker function"),
        "ServerErrors": (api.metric_server_error(period=FIVE_MINUTES), 5, 1, "Answers of 500 and above"),
        "Latency": (
            api.metric_latency(period=FIVE_MINUTES, statistic="p95"), 5000, 3, "The 95th percentile of answers, in ms"
        ),
    }  # fmt: skip


def _ours(stage: Stage, name: str, statistic: str = "Sum") -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"service": "ingestion", "stage": stage.name},
        statistic=statistic,
        period=FIVE_MINUTES,
    )
