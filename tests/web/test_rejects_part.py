"""What a job's page says of the replays of its rejects."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ingestion.models import Job
from ingestion.web import job as page


@pytest.mark.parametrize(
    ("status", "is_loading", "failed"),
    [("RUNNING", True, []), ("SUCCESS", True, []), ("FAILED", False, ["replay"]), ("CANCELLED", False, ["replay"])],
)
def test_a_replay_that_ends_while_the_page_is_made_is_not_said_to_have_failed(monkeypatch, status, is_loading, failed):
    monkeypatch.setattr(page.lifecycle, "get", lambda _: SimpleNamespace(status=status))
    monkeypatch.setattr(page.setaside, "page_of", lambda *_: [])
    first = Job("first", status="SUCCESS", user_id="me", rejects={"total": 2, "held": {"replay": "1"}})
    person = SimpleNamespace(role="Viewer", sub="me", is_authenticated=True)
    told = page._rejects(SimpleNamespace(user=person), first)
    assert (told["is_loading"], told["failed_replays"]) == (is_loading, failed)
