"""What runs on the worker: Zappa's asynchronous task and the scheduled sweep. They only name the work."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

from zappa.asynchronous import task

from databridge import config

_WORKER = os.environ.get("DATABRIDGE_WORKER_FUNCTION", f"databridge-{config.stage()}-worker")
_REGION = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION") or "us-east-1"


@task(remote_aws_lambda_function_name=_WORKER, remote_aws_region=_REGION)
def run_job(job_id: str) -> str:
    """Try the job once; delivered twice it runs once. Returns the job's state afterwards."""
    from ingestion import worker

    return worker.run(job_id, send=run_job)


def sweep(event: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001  (the shape of a scheduled function)
    """Look after what nobody finished; scheduled every minute. Returns how much of what was found."""
    from ingestion.sweep import sweep as swept

    return asdict(swept(run_job))


def dry_run(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  (the shape of an invoked function)
    """Convert the beginning of a file for somebody who waits, and keep nothing of it."""
    from ingestion import looking

    return looking.answered(event)
