"""What this stage lets its sources do: where they may fetch from, how much and for how long."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings

from ingestion.sources.base import Limits
from ingestion.sources.guard import GuardPolicy


def limits() -> Limits:
    """Return what one fetch may take."""
    policy = GuardPolicy(allow_cidrs=settings.SOURCE_ALLOW_CIDRS, allow_hosts=settings.SOURCE_ALLOW_HOSTS)
    return Limits(policy=policy, max_bytes=settings.SOURCE_MAX_BYTES)


def quick_limits() -> Limits:
    """Return what a person who waits for the answer may take; API Gateway waits for 29 seconds."""
    return replace(limits(), connect_timeout_s=8, read_timeout_s=10, deadline_s=20, max_failures=0)
