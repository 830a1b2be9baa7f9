"""Figures of ended jobs for CloudWatch: one line of JSON in its embedded metric format each, which costs no call.

Success rate is ``JobsSucceeded`` of ``JobsEnded``. The format's source: CloudWatch, "Specification: Embedded metric
format". The line goes to standard output through a logger of its own, untouched by the log's format.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestion.models import Job

NAMESPACE = "DataBridge"
logger = logging.getLogger("databridge.metrics")


def ended(job: Job, *, seconds: float = 0, rows: int = 0, code: str = "") -> None:
    """Tell how a job ended: its state, the ``seconds`` of its last attempt, bytes in, rows loaded, the error's code."""
    if not logger.isEnabledFor(logging.INFO):
        return
    from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

    from databridge import config

    told = EphemeralMetrics(namespace=NAMESPACE, service="ingestion")
    told.add_dimension("stage", config.stage())
    told.add_metric("JobsEnded", MetricUnit.Count, 1)
    told.add_metric("JobsSucceeded", MetricUnit.Count, int(job.status == "SUCCESS"))
    told.add_metric("JobsFailed", MetricUnit.Count, int(job.status == "FAILED"))
    told.add_metric("BytesIn", MetricUnit.Bytes, float(job.raw_bytes or 0))
    if job.status == "SUCCESS":
        told.add_metric("JobSeconds", MetricUnit.Seconds, seconds)
        told.add_metric("RowsLoaded", MetricUnit.Count, rows)
    told.add_metadata("job_id", job.job_id)
    told.add_metadata("dataset", job.dataset)
    logger.info(json.dumps(told.serialize_metric_set()))
    if code:
        failures = EphemeralMetrics(namespace=NAMESPACE, service="ingestion")
        failures.add_dimension("stage", config.stage())
        failures.add_dimension("code", code)
        failures.add_metric("Failures", MetricUnit.Count, 1)
        failures.add_metadata("job_id", job.job_id)
        logger.info(json.dumps(failures.serialize_metric_set()))
