"""The embedded AWS: data survives a restart, a broken snapshot does not stop the start, tasks run as on Lambda."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

FIRST = """
import sys, pathlib
from databridge.local import Stack
from databridge.local.provision import DEMO_PASSWORD
with Stack(pathlib.Path(sys.argv[1])) as stack:
    from databridge.aws import client
    from accounts import cognito, store
    from datetime import timedelta
    if sys.argv[2] == "write":
        client("s3").put_object(Bucket="databridge-erp-local", Key="raw/kept", Body=b"0012,50")
        store.Session("kept", data={"a": 1}, expires_at=timedelta(hours=1)).save()
        # an older version's table, which lacks an index
        lacking = [{"Delete": {"IndexName": "by_source"}}]
        client("dynamodb").update_table(TableName="databridge-local-jobs", GlobalSecondaryIndexUpdates=lacking)
    else:
        print(client("s3").get_object(Bucket="databridge-erp-local", Key="raw/kept")["Body"].read().decode())
        print(store.Session.get("kept").data)
        from ingestion.queries import list_jobs
        print(list_jobs(source="ftp").jobs)
    tokens = cognito.sign_in("viewer@databridge.example", DEMO_PASSWORD)
    print(stack.env["DATABRIDGE_USER_POOL_ID"], len(tokens.id_token) > 100)
"""


def run(folder, mode: str) -> list[str]:
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "DATABRIDGE_"))}
    done = subprocess.run(
        [sys.executable, "-c", FIRST, str(folder), mode],
        capture_output=True,
        check=False,
        text=True,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


def test_objects_records_and_people_survive_a_restart(tmp_path):
    written = run(tmp_path, "write")
    read = run(tmp_path, "read")
    assert read[:3] == ["0012,50", "{'a': 1}", "[]"]
    assert read[3] == written[0], "the user pool is the same"


def test_a_broken_snapshot_is_set_aside(tmp_path):
    (tmp_path / "aws.snapshot").write_bytes(b"not a snapshot")
    assert run(tmp_path, "write")[0].endswith("True")
    assert (tmp_path / "aws.broken").read_bytes() == b"not a snapshot"


def invoke(event: dict, kind: str = "RequestResponse") -> dict:
    from databridge.aws import client

    return client("lambda").invoke(
        FunctionName="databridge-local-worker", InvocationType=kind, Payload=json.dumps(event)
    )


@pytest.mark.parametrize(
    "event",
    [
        {"raw_command": "open('/tmp/x', 'w')"},
        {"manage": "shell"},
        {"command": "os.getcwd"},
        {"command": "zappa.asynchronous.route_lambda_task", "task_path": "os.system", "args": ["true"], "kwargs": {}},
        {"source": "aws.s3", "detail-type": "Object Created"},
    ],
)
def test_the_entry_point_refuses_what_it_does_not_serve(stack, event):
    answer = invoke(event)
    assert answer["FunctionError"] == "Unhandled"
    assert "EventRefused" in json.load(answer["Payload"])["errorMessage"]


def test_a_scheduled_sweep_runs(stack):
    answer = invoke({"command": "ingestion.tasks.sweep"})
    assert "FunctionError" not in answer
    assert json.load(answer["Payload"]).keys() == {"sent", "taken_back", "ended", "uploads"}


def test_an_asynchronous_event_is_tried_three_times_and_then_kept(stack):
    marker = f"nobody-{time.time_ns()}"
    answer = invoke({"command": "zappa.asynchronous.route_lambda_task", "task_path": marker}, kind="Event")
    assert answer["StatusCode"] == 202
    letters = stack.folder / "dead-letters.jsonl"
    for _ in range(200):
        if letters.exists() and marker in letters.read_text():
            break
        time.sleep(0.1)
    assert marker in letters.read_text()
    assert (stack.folder / "lambda.log").read_text().count("next try in 0.5 s: EventRefused") >= 2


def test_a_transaction_is_undone_whole(stack):
    """One refused condition leaves nothing of what was written before it: new, changed and deleted items alike."""
    from pynamodb.exceptions import TransactWriteError
    from pynamodb.transactions import TransactWrite

    from ingestion.models import Counter, Job

    Counter("undo", "changed", pending=1).save()
    Counter("undo", "deleted", pending=2).save()
    with (
        pytest.raises(TransactWriteError),
        TransactWrite(connection=Job._get_connection().connection) as transaction,
    ):
        transaction.save(Counter("undo", "new", pending=9))
        transaction.update(Counter("undo", "changed"), actions=[Counter.pending.set(9)])
        transaction.delete(Counter("undo", "deleted"))
        transaction.update(Counter("undo", "missing"), actions=[Counter.pending.set(9)], condition=Counter.key.exists())
    assert {entry.key: entry.pending for entry in Counter.query("undo")} == {"changed": 1, "deleted": 2}
