"""Django's sessions in DynamoDB, so that they can be ended from any instance and nothing needs a SQL server.

A session is kept under the SHA-256 of its key: the table alone lets nobody in.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from pynamodb.exceptions import DoesNotExist, PutError

from accounts.store import Session


class SessionStore(SessionBase):
    """The interface that ``django.contrib.sessions`` asks of an engine."""

    def load(self) -> dict[str, Any]:
        """Return the session's data; a session that ran out is none, also before DynamoDB has removed it."""
        try:
            kept = Session.get(_hashed(self.session_key), consistent_read=True) if self.session_key else None
        except DoesNotExist:
            kept = None
        if kept is None or kept.expires_at <= datetime.now(UTC):
            self._session_key = None
            return {}
        return kept.data

    def exists(self, session_key: str) -> bool:
        """Tell whether the key is taken."""
        try:
            Session.get(_hashed(session_key), consistent_read=True)
        except DoesNotExist:
            return False
        return True

    def create(self) -> None:
        """Save a new, empty session under a key nobody has."""
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]  # the stubs leave it out
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Write the session; raises ``CreateError`` or ``UpdateError`` as Django expects."""
        if self.session_key is None:
            self.create()
            return
        session: dict[str, Any] = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        kept = Session(
            _hashed(self.session_key),
            data=session,
            expires_at=timedelta(seconds=self.get_expiry_age()),
        )
        key = Session.session_key
        condition = key.does_not_exist() if must_create else key.exists()
        try:
            kept.save(condition=condition)
        except PutError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise
            raise (CreateError if must_create else UpdateError) from error

    def delete(self, session_key: str | None = None) -> None:
        """End a session; it is no error when there is none."""
        key = session_key or self.session_key
        if key:
            Session(_hashed(key)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        """Leave it to DynamoDB's time to live."""


def _hashed(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()
