"""The audit row and the action cannot come apart, whatever fails between them."""

from __future__ import annotations

import uuid

import pytest
from pynamodb.exceptions import PutError

from accounts import audit
from accounts.audit import Actor
from accounts.cognito import IdentityUnavailable, SignInRefused
from accounts.store import AuditEntry
from ingestion.errors import StoreUnavailable


@pytest.fixture
def actor(stack) -> Actor:
    return Actor(
        id=str(uuid.uuid4()), name=f"{uuid.uuid4()}@example.com", role="Admin", address="203.0.113.9", door="page"
    )


@pytest.fixture
def broken(monkeypatch):
    """Let saving of rows fail from the n-th on."""

    def fail_from(number: int) -> None:
        save, count = AuditEntry.save, iter(range(1, 1000))

        def saved(self, *arguments, **named):
            if next(count) >= number:
                raise PutError("out of reach")
            return save(self, *arguments, **named)

        monkeypatch.setattr(AuditEntry, "save", saved)

    return fail_from


def _of(actor: Actor) -> list[tuple[str, str, str]]:
    return [(entry.action, entry.outcome, entry.code) for entry in audit.entries(about=actor.name).entries]


def test_what_cannot_be_announced_is_not_done(actor, broken):
    broken(1)
    done = []
    with pytest.raises(StoreUnavailable), audit.told(actor, "disable", "x"):
        done.append(True)
    assert done == []


def test_an_action_whose_end_cannot_be_written_is_shown_as_unfinished(actor, broken):
    broken(2)
    with audit.told(actor, "disable", "x"):
        pass
    assert _of(actor) == [("disable", "unfinished", "")]


def test_a_process_that_dies_between_the_two_leaves_an_unfinished_action(actor):
    with pytest.raises(SystemExit), audit.told(actor, "enable", "x"):
        raise SystemExit
    assert _of(actor) == [("enable", "unfinished", "")]
    assert actor.name in {entry.actor for entry in audit.unfinished(older_than_s=0)}


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (SignInRefused("wrong"), "refused", "SIGN_IN_REFUSED"),
        (IdentityUnavailable("out of reach"), "failed", "IDENTITY_UNAVAILABLE"),
    ],
)
def test_a_refusal_and_a_failure_are_concluded_with_their_code(actor, error, outcome, code):
    with pytest.raises(type(error)), audit.told(actor, "change password", "x"):
        raise error
    assert _of(actor) == [("change password", outcome, code)]


def test_a_row_holds_who_what_when_and_from_where(actor):
    audit.note(actor, "export audit log", "2026", detail="3 rows")
    (entry,) = audit.entries(about=actor.name).entries
    told = (entry.actor_id, entry.role, entry.object, entry.detail, entry.address, entry.door, entry.outcome)
    assert told == (actor.id, "Admin", "2026", "3 rows", "203.0.113.9", "page", "done")


def test_a_row_is_never_written_over(actor):
    entry = audit.row(actor, "enable", "x")
    entry.save()
    again = AuditEntry(entry.month, entry.entry_id, **{**entry.attribute_values, "outcome": "refused"})
    with pytest.raises(StoreUnavailable):
        audit._save(again)


def test_a_job_and_its_row_are_made_together_or_not_at_all(actor, monkeypatch, api):
    """The row is part of the job's own transaction: when it cannot be added, there is no job either."""
    name = f"audit_{uuid.uuid4().hex[:8]}"
    taken = audit.row(actor, "create job", "x")
    taken.save()
    monkeypatch.setattr(audit, "row", lambda *_, **__: taken)  # a row whose id is there already
    with api("Operator") as client:
        answer = client.post(
            f"/ingest?dataset={name}&filename=a.csv", content=b"a;b\n1;2\n", headers={"Content-Type": "text/csv"}
        )
        assert answer.status_code >= 400
        monkeypatch.undo()
        assert client.get("/jobs", params={"dataset": name}).json()["jobs"] == []
