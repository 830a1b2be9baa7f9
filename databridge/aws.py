"""AWS clients, one a process and service, with time-outs and retries set once for all."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 60
ATTEMPTS = 4


@lru_cache
def client(service: str, *, timeout_s: int = READ_TIMEOUT_S, attempts: int = ATTEMPTS) -> Any:
    """Return the boto3 client of a service; ``AWS_ENDPOINT_URL`` names the embedded AWS where it is set."""
    import boto3
    from botocore.config import Config

    from databridge import config

    return boto3.client(
        service,
        region_name=config.current().region,
        config=Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=timeout_s,
            retries={"mode": "standard", "max_attempts": attempts},
            s3={"addressing_style": "path"} if config.stage() == "local" else None,
        ),
    )
