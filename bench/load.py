"""``make load``: 500 jobs by 50 clients at once, and what a page of jobs costs among 100 and 100,000 of them.

Usage: load.py [--jobs 500] [--clients 50] [--table 100000] [--only jobs|list]

The jobs run on a stack of their own in a temporary folder. The pages are read from dynalite, an emulator that keeps
its indexes sorted as DynamoDB does; the embedded AWS looks at every item for every query.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "databridge.settings")
ROWS = 20
ALONE = 20


def many_jobs(folder: Path, jobs: int, clients: int) -> bool:
    """Submit the jobs, wait for all, and print how they ended; True when all are there exactly once."""
    import httpx

    from databridge.local import Stack, processes, provision

    port = processes.free_port()
    with Stack(folder / "stack", instances=2) as stack:
        log = folder / "web.log"
        command = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port)]
        with log.open("ab") as output, subprocess.Popen(command, env=os.environ | stack.env, stderr=output) as server:
            base = f"http://127.0.0.1:{port}"
            try:
                processes.wait_for(f"{base}/app/sign-in", server, log)
                sign_in = {"username": "admin@databridge.example", "password": provision.DEMO_PASSWORD}
                token = httpx.post(f"{base}/token", json=sign_in, timeout=60).json()["id_token"]
                return _submitted(base, token, jobs, clients)
            finally:
                server.terminate()


def _submitted(base: str, token: str, jobs: int, clients: int) -> bool:
    import httpx

    answered: list[tuple[float, str]] = []
    headers = {"Authorization": f"Bearer {token}"}
    local = threading.local()

    def submit(number: int, dataset: str = "load") -> float:
        local.client = getattr(local, "client", None) or httpx.Client(base_url=base, headers=headers, timeout=120)
        body = "id;amount\n" + "".join(f"{number:06d};{row},50\n" for row in range(ROWS))
        started = time.perf_counter()
        answer = local.client.post(
            "/ingest",
            params={"dataset": dataset, "filename": f"{number}.csv"},
            content=body.encode(),
            headers={"Content-Type": "text/csv", "Idempotency-Key": f"{dataset}-{number}"},
        )
        answer.raise_for_status()
        took = time.perf_counter() - started
        if dataset == "load":
            answered.append((took, answer.json()["job_id"]))
        return took

    def alone(first: int) -> float:
        """Return the median milliseconds of a submit by one client, to a stack that has nothing else to do."""
        took = []
        for number in range(first, first + ALONE):
            took.append(submit(number, "alone"))
            _wait(client, number + 1 + len(answered))
        return statistics.median(took) * 1000

    with httpx.Client(base_url=base, headers=headers, timeout=120) as client:
        before = alone(0)
        started = time.monotonic()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(submit, range(jobs)))
        submitted = time.monotonic() - started
        _wait(client, jobs + ALONE)
        seconds = time.monotonic() - started
        ended = _ended(client, "load")
        after = alone(ALONE)
    ids = [job_id for _, job_id in answered]
    rows = _rows_in_the_lake("load")
    fifth = max(1, jobs // 5)
    fifths = [statistics.median(took for took, _ in answered[at : at + fifth]) for at in range(0, jobs, fifth)]
    print(f"{jobs} jobs by {clients} clients: submitted in {submitted:.1f} s, all ended after {seconds:.1f} s")
    print(f"ended: {dict(ended)}; different jobs: {len(set(ids))}; rows in the lake: {rows} of {jobs * ROWS}")
    print("median answer to a submit, by fifths of the jobs:", ", ".join(f"{took * 1000:.0f}" for took in fifths), "ms")
    print(
        f"median answer to a submit by one client alone: {before:.0f} ms before those jobs, {after:.0f} ms after them"
    )
    return ended == {"SUCCESS": jobs} and len(set(ids)) == jobs and rows == jobs * ROWS


def _wait(client, jobs: int, timeout_s: float = 1500) -> None:
    """Wait until so many jobs have ended."""
    deadline = time.monotonic() + timeout_s
    while True:
        now = client.get("/stats").json()["by_status"]
        if now["SUCCESS"] + now["FAILED"] + now["CANCELLED"] >= jobs or time.monotonic() > deadline:
            return
        time.sleep(0.2)


def _ended(client, dataset: str) -> Counter[str]:
    """Return how the jobs of a dataset have ended."""
    found: Counter[str] = Counter()
    cursor = ""
    while cursor is not None:
        page = client.get("/jobs", params={"limit": 100, "cursor": cursor, "dataset": dataset}).json()
        found.update(job["status"] for job in page["jobs"])
        cursor = page["next_cursor"]
    return found


def _rows_in_the_lake(dataset: str) -> int:
    import io

    import pyarrow.parquet as pq

    from databridge import config
    from databridge.aws import client

    s3, rows = client("s3"), 0
    for page in s3.get_paginator("list_objects_v2").paginate(
        Bucket=config.current().bucket, Prefix=f"parquet/{dataset}/"
    ):
        for entry in page.get("Contents", []):
            body = s3.get_object(Bucket=config.current().bucket, Key=entry["Key"])["Body"].read()
            rows += pq.read_metadata(io.BytesIO(body)).num_rows
    return rows


# ---- a page of jobs ------------------------------------------------------------------------------


@contextmanager
def dynalite(folder: Path) -> Iterator[None]:
    """Run the emulator with its data in a folder and point this process's DynamoDB clients to it."""
    from databridge.local import processes

    port = processes.free_port()
    command = ["node", str(ROOT / "node_modules/dynalite/cli.js"), "--port", str(port), "--path", str(folder)]
    command += ["--createTableMs", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for_port(port)
            os.environ |= {
                "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{port}",
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",
                "AWS_DEFAULT_REGION": "us-east-1",
            }
            yield
        finally:
            server.terminate()


def _wait_for_port(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("dynalite did not start; run npm ci")


def pages(folder: Path, table: int) -> bool:
    """Print requests and time of every list among 100 jobs and among ``table``; True when the requests are the same."""
    with dynalite(folder):
        import django

        django.setup()
        from ingestion.models import Job

        Job.create_table(wait=True)
        _fill(0, 100)
        few = _measured()
        _fill(100, table)
        many = _measured()
    print(f"| list | requests among 100 | among {table:,} | ms among 100 | among {table:,} |\n|---|---|---|---|---|")
    for name, (requests, millis) in few.items():
        print(f"| {name} | {requests} | {many[name][0]} | {millis:.1f} | {many[name][1]:.1f} |")
    return all(few[name][0] == many[name][0] for name in few)


def _fill(start: int, stop: int) -> None:
    from uuid6 import UUID

    from ingestion.models import Job

    began = datetime(2026, 1, 1, tzinfo=UTC)
    with Job.batch_write() as batch:
        for number in range(start, stop):
            millis = int((began + timedelta(minutes=number)).timestamp() * 1000)
            value = (millis << 80) | (7 << 76) | (2 << 62) | number
            batch.save(
                Job(
                    str(UUID(int=value)),
                    user_id=f"user-{number % 5}",
                    dataset=f"dataset_{number % 7}",
                    source_type="upload",
                    partition_date="2026-01-01",
                    status=("SUCCESS", "SUCCESS", "FAILED")[number % 3],
                    created_at=began + timedelta(minutes=number),
                )
            )


LISTS = {
    "all jobs": ("Viewer", {}),
    "my jobs": ("Operator", {}),
    "failed jobs": ("Viewer", {"status": "FAILED"}),
    "a dataset's jobs": ("Viewer", {"dataset": "dataset_3"}),
}


def _measured(times: int = 40) -> dict[str, tuple[int, float]]:
    """Return DynamoDB requests and median milliseconds of ``GET /jobs``, ten a page, for somebody signed in."""
    from botocore.client import BaseClient
    from rest_framework.test import APIRequestFactory, force_authenticate

    from accounts.models import User
    from ingestion.api.views import Jobs

    view = Jobs.as_view()

    calls = 0
    real = BaseClient._make_api_call

    def counted(*arguments):
        nonlocal calls
        calls += 1
        return real(*arguments)

    found = {}
    BaseClient._make_api_call = counted
    try:
        for name, (role, filters) in LISTS.items():
            request = APIRequestFactory().get("/jobs", {"limit": 10, **filters})
            force_authenticate(request, User.of(sub="user-1", email="one@databridge.example", groups=[role]))
            took = []
            for _ in range(times):
                calls, started = 0, time.perf_counter()
                answer = view(request).render()
                took.append((time.perf_counter() - started) * 1000)
                assert len(answer.data["jobs"]) == 10, name
            found[name] = (calls, statistics.median(took))
    finally:
        BaseClient._make_api_call = real
    return found


def main() -> None:
    """Run one part or both; the parts run in processes of their own, as each has another DynamoDB."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--table", type=int, default=100_000)
    parser.add_argument("--only", choices=("jobs", "list"))
    given = parser.parse_args()
    if given.only is None:
        parts = [subprocess.run([sys.executable, *sys.argv, "--only", part], check=False) for part in ("jobs", "list")]
        sys.exit(max(part.returncode for part in parts))
    with tempfile.TemporaryDirectory(prefix="load-") as name:
        folder = Path(name)
        if given.only == "jobs":
            import django

            django.setup()
            sound = many_jobs(folder, given.jobs, given.clients)
        else:
            sound = pages(folder, given.table)
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    main()
