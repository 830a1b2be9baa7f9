"""Sessions, throttles, how people stand and the audit log, in DynamoDB."""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from databridge.config import table_name
from databridge.tables import TableMeta


class Session(Model):
    """One browser's session, under the SHA-256 of its cookie: who reads the table cannot take a session over."""

    class Meta(TableMeta):
        table_name = table_name("sessions")

    session_key = UnicodeAttribute(hash_key=True)
    data: JSONAttribute = JSONAttribute(default=dict)
    expires_at = TTLAttribute()


class Throttle(Model):
    """How often something was tried within a window of time."""

    class Meta(TableMeta):
        table_name = table_name("throttles")

    key = UnicodeAttribute(hash_key=True)
    tries = NumberAttribute(default=0)
    expires_at = TTLAttribute()


class Person(Model):
    """What Cognito does not keep of a person or a machine client, by ``sub``.

    A session begun before ``sessions_from``, or a token issued before ``tokens_from`` (both epoch seconds), is void.
    """

    class Meta(TableMeta):
        table_name = table_name("people")

    sub = UnicodeAttribute(hash_key=True)
    email = UnicodeAttribute(default="")
    last_seen_at = UTCDateTimeAttribute(null=True)
    sessions_from = NumberAttribute(default=0)
    tokens_from = NumberAttribute(default=0)
    mfa_required = BooleanAttribute(default=False)
    mfa_since = UTCDateTimeAttribute(null=True)


class AuditByActor(GlobalSecondaryIndex[Any]):
    """What one person did, newest first."""

    class Meta(TableMeta):
        index_name = "by_actor"
        projection = AllProjection()

    actor = UnicodeAttribute(hash_key=True)
    entry_id = UnicodeAttribute(range_key=True)


class AuditByObject(GlobalSecondaryIndex[Any]):
    """What was done to one thing, newest first."""

    class Meta(TableMeta):
        index_name = "by_object"
        projection = AllProjection()

    object = UnicodeAttribute(hash_key=True)
    entry_id = UnicodeAttribute(range_key=True)


class AuditEntry(Model):
    """Who did what to what, from where, and what came of it. Rows are only ever added.

    An action outside DynamoDB has two: ``begun`` before it, and the end, whose id is the first one's with ``#end``.
    """

    class Meta(TableMeta):
        table_name = table_name("audit")

    month = UnicodeAttribute(hash_key=True)
    entry_id = UnicodeAttribute(range_key=True)
    at = UTCDateTimeAttribute()
    actor = UnicodeAttribute()
    actor_id = UnicodeAttribute(default="")
    role = UnicodeAttribute(default="")
    action = UnicodeAttribute()
    object = UnicodeAttribute()
    outcome = UnicodeAttribute()
    code = UnicodeAttribute(default="")
    detail = UnicodeAttribute(default="")
    address = UnicodeAttribute(default="")
    door = UnicodeAttribute(default="")

    by_actor = AuditByActor()
    by_object = AuditByObject()


TABLES: tuple[type[Model], ...] = (Session, Throttle, Person, AuditEntry)
