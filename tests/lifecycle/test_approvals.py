"""Changes that an Admin is asked for: the job waits, and loads or ends by the answer."""

from __future__ import annotations

import pytest

from ingestion.errors import JobMoveRefused


def test_a_job_that_asks_waits_for_nobody_but_an_admin_and_loads_once_approved(loaded, dataset, table):
    from ingestion import approvals, contracts, lifecycle, worker

    loaded("id;qty\n1;3\n2;4\n")
    job = loaded("id;qty\n3;many\n4;few\n")
    assert (job.status, job.attempt, job.watch, job.due_at) == ("PENDING", 0, None, None)
    (change,) = job.approval["changes"]
    assert (change["kind"], change["column"], change["example"], change["line"]) == ("changed_kind", "qty", "many", 2)
    assert worker.run(job.job_id) == "PENDING"  # a delivery that comes late
    assert len(table()) == 2

    approvals.approve(job.job_id, "an admin")
    with pytest.raises(JobMoveRefused):
        approvals.approve(job.job_id, "another admin")
    assert worker.run(job.job_id) == "SUCCESS"
    assert lifecycle.get(job.job_id).schema_version == 2
    assert sorted(table().column("qty").to_pylist()) == ["3", "4", "few", "many"]
    newest = contracts.versions(dataset)[0]
    assert (newest.version, newest.changed_by, newest.job_id) == (2, "an admin", job.job_id)


def test_a_refused_change_ends_the_job_and_leaves_the_contract(loaded, dataset):
    from ingestion import approvals, contracts

    loaded("id;qty\n1;3\n2;4\n")
    job = loaded("id\n3\n4\n")
    done = approvals.refuse(job.job_id, "an admin")
    assert (done.status, done.error["code"], done.approval) == ("FAILED", "CHANGE_REFUSED", None)
    assert "qty" in done.error["message"]
    assert contracts.get(dataset).version == 1


def test_a_waiting_job_can_be_cancelled(loaded):
    from ingestion import lifecycle

    loaded("id;qty\n1;3\n2;4\n")
    job = loaded("id;qty\n3;many\n4;few\n")
    assert lifecycle.cancel(job.job_id, "tester").status == "CANCELLED"


def test_an_approval_of_an_outdated_contract_only_looks_again(loaded, dataset):
    from ingestion import approvals, worker

    loaded("id;qty\n1;3\n2;4\n")
    one, two = loaded("id;qty\n3;many\n4;few\n"), loaded("id;qty\n5;none\n6;all\n")
    approvals.approve(one.job_id, "an admin")
    approvals.approve(two.job_id, "an admin")
    assert [worker.run(job.job_id) for job in (one, two)] == ["SUCCESS", "SUCCESS"]
