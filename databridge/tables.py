"""What all DynamoDB tables of the product have in common."""

from __future__ import annotations

from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE


class TableMeta:
    """Paid by the request; time-outs in seconds, and how often a call is tried again."""

    billing_mode = PAY_PER_REQUEST_BILLING_MODE
    connect_timeout_seconds = 5
    read_timeout_seconds = 20
    max_retry_attempts = 4
