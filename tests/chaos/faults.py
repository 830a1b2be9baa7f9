"""One round of bad luck: a job whose worker is killed at a step, or one of whose AWS calls fails; then recovery.

A round runs the worker in a forked process, so that a kill is a real SIGKILL, and recovers as the stage
does: the sweep finds what is overdue and a worker tries again. What must hold afterwards is checked by
``verdict``.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import os
import signal
import time
import uuid
from dataclasses import dataclass
from types import SimpleNamespace

import pyarrow.parquet as pq

USER = SimpleNamespace(sub="chaos", email="chaos@databridge.example")
ROWS = 3
CONTENT = b"id;amount\n007;1,50\n008;2,25\n009;-3,00\n"

# Every step of a job: killed before it and after it.
STEPS = (
    "ingestion.lifecycle.claim",
    "ingestion.worker._bring_raw",
    "ingestion.lake.download",
    "ingestion.worker._refuse_twice",
    "ingestion.once.reserve_content",
    "ingestion.worker._convert",
    "ingestion.conversion.convert",
    "ingestion.conversion.shown.preview",
    "ingestion.lake.put_json",
    "ingestion.staging.StagedObject.__post_init__",
    "ingestion.staging.StagedObject._send",
    "ingestion.staging.StagedObject.write_all",
    "ingestion.worker._checked",
    "ingestion.staging.StagedObject.check",
    "ingestion.lifecycle.pass_fence",
    "ingestion.staging.StagedObject.publish",
    "ingestion.worker._succeed",
    "ingestion.datasets.load",
    "ingestion.lifecycle.succeed",
    "ingestion.moves.move",
    "ingestion.moves.transact",
)
KILLS = tuple((step, moment) for step in STEPS for moment in ("before", "after"))
FAULTS = ("throttled", "server error", "timeout before", "timeout after", "condition lost")


@dataclass(frozen=True)
class Verdict:
    """How a job ended, and what the lake holds of it."""

    status: str
    error: str | None
    objects: int
    rows: int

    @property
    def sound(self) -> bool:
        """Whether rows are there exactly once for a success and not at all for a failure, which says why."""
        if self.status == "SUCCESS":
            return (self.objects, self.rows, self.error) == (1, ROWS, None)
        return self.status == "FAILED" and self.objects == 0 and bool(self.error)


def new_job(folder):
    """A PENDING job that nobody was told about."""
    import ingestion.conversion.convert  # noqa: F401  (once here, not in every forked worker)
    from ingestion import submit, worker  # noqa: F401

    path = folder / f"{uuid.uuid4().hex}.csv"
    path.write_bytes(CONTENT)
    return submit.submit_file(
        USER, path=path, dataset=f"chaos_{uuid.uuid4().hex[:12]}", filename="in.csv", source_type="upload", options={}
    )


def in_a_child(work) -> int:
    """Run ``work`` in a forked process; return how it ended (negative: a signal)."""
    return os.waitstatus_to_exitcode(os.waitpid(fork(work), 0)[1])


def fork(work) -> int:
    """Start ``work`` in a forked process with connections of its own; return its id."""
    child = os.fork()
    if child == 0:
        try:
            forget_connections()
            work()
        except BaseException:  # noqa: BLE001  (the parent judges by what is left behind, as the stage would)
            os._exit(1)
        os._exit(0)
    return child


def forget_connections() -> None:
    """Leave the parent's sockets to the parent; the clients open new ones."""
    from databridge.aws import client
    from databridge.resources import tables

    clients = [client("s3"), *(model._get_connection().connection.client for model in tables())]
    for inherited in clients:
        inherited.close()


def killed_at(job, step: str, moment: str, occurrence: int = 1) -> int:
    """Work on a job in a process that is killed before or after the n-th time of a step."""
    return in_a_child(dying(job, step, moment, occurrence))


def two_workers(job, step: str, moment: str) -> None:
    """Let two processes work on a job at once, of which one is killed at a step if it gets there."""
    from ingestion import worker

    dies = fork(dying(job, step, moment, 1))
    lives = fork(lambda: worker.run(job.job_id))
    for child in (dies, lives):
        os.waitpid(child, 0)


def dying(job, step: str, moment: str, occurrence: int):
    """Return the work on a job by a worker whose process is killed."""

    def work() -> None:
        from ingestion import worker

        deadly(step, moment, occurrence)
        worker.run(job.job_id)

    return work


def deadly(step: str, moment: str, occurrence: int = 1) -> None:
    """Let this process be killed before or after the n-th time of a step."""
    seen = 0

    def wrap(function):
        @functools.wraps(function)
        def around(*args, **kwargs):
            nonlocal seen
            seen += 1
            if seen == occurrence and moment == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*args, **kwargs)
            if seen == occurrence:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return around

    patch(step, wrap)


def patch(step: str, wrap) -> None:
    """Replace a function wherever this code base has imported it."""
    import importlib
    import sys

    path, name = step.rsplit(".", 1)
    try:
        owner = importlib.import_module(path)
    except ModuleNotFoundError:
        module, holder = path.rsplit(".", 1)
        owner = getattr(importlib.import_module(module), holder)
    original = getattr(owner, name)
    wrapped = wrap(original)
    setattr(owner, name, wrapped)
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("ingestion") and getattr(module, name, None) is original:
            setattr(module, name, wrapped)


def fetched_job(url: str):
    """A PENDING job that fetches from a source with a password, so that Secrets Manager is asked too."""
    from ingestion import submit

    spec = {"type": "http", "url": url, "auth": {"username": "erp", "password": "export"}}
    return submit.submit_source(USER, spec=spec, dataset=f"chaos_{uuid.uuid4().hex[:12]}", options={})


def calls_of(job) -> list[tuple[int, str]]:
    """Run a clean attempt of a job here; return its AWS calls by number, of the log's lines the first only."""
    from botocore.client import BaseClient

    from ingestion import worker

    real, made = BaseClient._make_api_call, []

    def call(client, operation, arguments):
        table = arguments.get("TableName", "").rsplit("-", 1)[-1]
        folder = arguments.get("Key", "")
        made.append(f"{operation} {table or (folder.split('/')[0] if isinstance(folder, str) else '')}".strip())
        return real(client, operation, arguments)

    BaseClient._make_api_call = call
    try:
        assert worker.run(job.job_id) == "SUCCESS"
    finally:
        BaseClient._make_api_call = real
    line = "PutItem events"
    return [(at, name) for at, name in enumerate(made, 1) if name != line or made.index(line) == at - 1]


def with_a_failing_call(job, number: int, fault: str) -> None:
    """Work on a job while the n-th AWS call fails in the given way, with all its own retries."""
    from botocore.client import BaseClient

    from ingestion import worker

    calls = 0
    real = BaseClient._make_api_call

    def call(client, operation, arguments):
        nonlocal calls
        calls += 1
        if calls != number:
            return real(client, operation, arguments)
        return fail(client, operation, arguments, real, fault)

    BaseClient._make_api_call = call
    try:
        worker.run(job.job_id)
    except Exception:
        logging.getLogger(__name__).info("the worker ended", exc_info=True)
    finally:
        BaseClient._make_api_call = real


def fail(client, operation: str, arguments: dict, real, fault: str):
    """Raise what botocore raises when AWS fails so; ``timeout after``: the call was carried out."""
    from botocore.exceptions import ClientError, ReadTimeoutError

    service = client.meta.service_model.service_name
    if fault == "timeout after":
        real(client, operation, arguments)
    if fault.startswith("timeout"):
        raise ReadTimeoutError(endpoint_url=client.meta.endpoint_url)
    code, status = {
        "throttled": ("SlowDown" if service == "s3" else "ProvisionedThroughputExceededException", 503),
        "server error": ("InternalError" if service == "s3" else "InternalServerError", 500),
        "condition lost": ("PreconditionFailed" if service == "s3" else "ConditionalCheckFailedException", 412),
    }[fault]
    answer = {"Error": {"Code": code, "Message": fault}, "ResponseMetadata": {"HTTPStatusCode": status}}
    if operation == "TransactWriteItems" and fault == "condition lost":
        items = arguments["TransactItems"]
        answer["Error"]["Code"] = "TransactionCanceledException"
        answer["CancellationReasons"] = [{"Code": "ConditionalCheckFailed"}, *[{"Code": "None"}] * (len(items) - 1)]
    raise ClientError(answer, operation)


def let_time_pass(job) -> None:
    """Make the dead worker's lease, or the time to be claimed, run out now rather than in a minute."""
    from pynamodb.exceptions import UpdateError

    from ingestion.models import Job

    job.refresh(consistent_read=True)
    past = time.time() - 1
    # who sweeps before a retry may begin sends in vain, and looks again in a minute only
    due = max(past, job.next_retry_at.timestamp() if job.next_retry_at else past)
    lapsed = [Job.due_at.set(past), Job.lease_until.set(past)] if job.status == "RUNNING" else [Job.due_at.set(due)]
    with contextlib.suppress(UpdateError):  # it has moved meanwhile: nobody needs to wait for anything
        job.update(lapsed, condition=(Job.status == job.status) & Job.watch.exists())


def recover(job, timeout_s: float = 60) -> None:
    """Do what the stage does: sweep, and let a worker try what the sweep sends."""
    from ingestion import lifecycle, worker
    from ingestion.sweep import sweep

    let_time_pass(job)
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and lifecycle.get(job.job_id).status not in lifecycle.FINISHED:
        sweep(lambda job_id: job_id == job.job_id and worker.run(job_id))
        time.sleep(0.05)


def verdict(job) -> Verdict:
    """Look at the record and at the lake."""
    from databridge.aws import client
    from ingestion import lifecycle

    ended = lifecycle.get(job.job_id)
    s3 = client("s3")
    listed = s3.list_objects_v2(Bucket="databridge-erp-local", Prefix=f"parquet/{job.dataset}/").get("Contents", [])
    bodies = [s3.get_object(Bucket="databridge-erp-local", Key=entry["Key"])["Body"].read() for entry in listed]
    rows = sum(pq.read_metadata(io.BytesIO(body)).num_rows for body in bodies)
    return Verdict(status=ended.status, error=(ended.error or {}).get("code"), objects=len(listed), rows=rows)
