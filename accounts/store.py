"""Sessions and throttles in DynamoDB."""

from __future__ import annotations

from pynamodb.attributes import JSONAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE
from pynamodb.models import Model

from databridge.config import table_name


class Session(Model):
    """One signed-in browser."""

    class Meta:
        table_name = table_name("sessions")
        billing_mode = PAY_PER_REQUEST_BILLING_MODE

    session_key = UnicodeAttribute(hash_key=True)
    data: JSONAttribute = JSONAttribute(default=dict)
    expires_at = TTLAttribute()


class Throttle(Model):
    """How often something was tried within a window of time."""

    class Meta:
        table_name = table_name("throttles")
        billing_mode = PAY_PER_REQUEST_BILLING_MODE

    key = UnicodeAttribute(hash_key=True)
    tries = NumberAttribute(default=0)
    expires_at = TTLAttribute()


TABLES: tuple[type[Model], ...] = (Session, Throttle)
