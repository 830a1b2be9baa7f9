"""Killed at every step, and with every AWS call failing in turn, a job's rows are there once or not at all."""

from __future__ import annotations

import pytest

from tests.chaos import faults

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork beside threads, on purpose


@pytest.fixture
def job(stack, quiet, tmp_path, monkeypatch):
    """A job whose retries wait for moments; leases keep their length, so that a busy machine loses none."""
    from ingestion import lifecycle, submit

    monkeypatch.setattr(submit, "send", lambda _: None)
    monkeypatch.setattr(lifecycle, "BACKOFF_S", (0.05, 0.05, 0.05))
    return faults.new_job(tmp_path)


def test_there_are_enough_points():
    assert len(faults.KILLS) >= 25


@pytest.mark.parametrize(("step", "moment"), faults.KILLS)
def test_a_worker_killed_at(job, step, moment):
    assert faults.killed_at(job, step, moment) == -9, "the step was reached"
    faults.recover(job)
    assert faults.verdict(job) == faults.Verdict(status="SUCCESS", error=None, objects=1, rows=faults.ROWS)


@pytest.mark.parametrize("number", range(1, 41))
def test_a_failing_aws_call(job, number):
    fault = faults.FAULTS[number % len(faults.FAULTS)]
    faults.with_a_failing_call(job, number, fault)
    faults.recover(job)
    found = faults.verdict(job)
    assert found.sound, (fault, found)


@pytest.mark.parametrize("seed", range(5))
def test_a_round_of_random_bad_luck(job, tmp_path, seed):
    import random

    from tests.chaos import rounds

    met, found = rounds.one_round(random.Random(seed), tmp_path)
    assert found.sound, (met, found)
