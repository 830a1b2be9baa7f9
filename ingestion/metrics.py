"""Figures for CloudWatch: one line of JSON in its embedded metric format each, which costs no call.

Of each job that ended, and of the jobs that wait. Success rate is ``JobsSucceeded`` of ``JobsEnded``. The format's
source: CloudWatch, "Specification: Embedded metric format". The line goes to standard output through a logger of its
own, untouched by the log's format.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestion.models import Job

NAMESPACE = "DataBridge"
_UNITS = {"BytesIn": "Bytes", "JobSeconds": "Seconds", "OldestPendingSeconds": "Seconds"}
logger = logging.getLogger("databridge.metrics")


def ended(job: Job, *, seconds: float = 0, rows: int = 0, code: str = "") -> None:
    """Tell how a job ended: its state, the ``seconds`` of its last attempt, bytes in, rows loaded, the error's code."""
    about = {"job_id": job.job_id, "dataset": job.dataset}
    figures = {
        "JobsEnded": 1,
        "JobsSucceeded": int(job.status == "SUCCESS"),
        "JobsFailed": int(job.status == "FAILED"),
        "BytesIn": float(job.raw_bytes or 0),
    }
    if job.status == "SUCCESS":
        figures |= {"JobSeconds": seconds, "RowsLoaded": rows}
    _tell(figures, about)
    if code:
        _tell({"Failures": 1}, about, {"code": code})


def waiting(seconds: float) -> None:
    """Tell how long the job waits that no worker has taken for the longest time."""
    _tell({"OldestPendingSeconds": seconds}, {})


def _tell(figures: Mapping[str, float], about: Mapping[str, str], more: Mapping[str, str] | None = None) -> None:
    """Write one line: figures by name, by stage and ``more`` dimensions; ``about`` stands beside them."""
    if not logger.isEnabledFor(logging.INFO):
        return
    from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

    from databridge import config

    told = EphemeralMetrics(namespace=NAMESPACE, service="ingestion")
    for name, value in {"stage": config.stage(), **(more or {})}.items():
        told.add_dimension(name, value)
    for name, figure in figures.items():
        told.add_metric(name, MetricUnit(_UNITS.get(name, "Count")), figure)
    for name, value in about.items():
        told.add_metadata(name, value)
    logger.info(json.dumps(told.serialize_metric_set()))
