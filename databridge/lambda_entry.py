"""The Lambda function's entry point, around Zappa's handler.

Zappa 0.63 multiplies cookies, eats path prefixes, masks a task's TypeError by calling it again with
fewer arguments, executes ``raw_command`` and drops events it does not know. Tasks are therefore called
here, from a list, and everything that is neither a task nor a request is refused loudly.
"""

from __future__ import annotations

import importlib
import logging
import os
from typing import Any

logger = logging.getLogger(__name__)

ASYNC_COMMAND = "zappa.asynchronous.route_lambda_task"
TASKS = frozenset({"ingestion.tasks.run_job"})
SCHEDULED = frozenset({"ingestion.tasks.sweep"})
ASKED = frozenset({"ingestion.tasks.dry_run"})  # called by the web function, which waits for the answer


class EventRefused(Exception):
    """An event that this function does not serve."""


def handler(event: dict[str, Any], context: Any) -> Any:
    """Serve one event: a request of API Gateway, an asynchronous task or a scheduled function."""
    if "httpMethod" in event or "routeKey" in event:
        return _without_doubled_cookies(_zappa(_with_whole_path(event), context))
    command = event.get("command")
    if command == ASYNC_COMMAND and event.get("task_path") in TASKS:
        return _function(event["task_path"]).sync(*event.get("args", ()), **event.get("kwargs", {}))
    if command in SCHEDULED | ASKED:
        return _function(command)(event, context)
    logger.error("event refused", extra={"command": str(command), "keys": sorted(event)})
    raise EventRefused(f"This function serves requests and its own tasks, not {command or sorted(event)}.")


def _function(path: str) -> Any:
    _setup()
    module, name = path.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)


def _setup() -> None:
    import django
    from django.apps import apps

    from databridge.startup import check_database_file, load_secrets

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "databridge.settings")
    if not apps.ready:
        load_secrets()
        django.setup()
        check_database_file()


def _zappa(event: dict[str, Any], context: Any) -> Any:
    _setup()
    import zappa_settings  # made by Zappa when the image is built
    from zappa.handler import lambda_handler

    # One image serves every stage, so that what was tried on one is what runs on the next.
    zappa_settings.API_STAGE = (event.get("requestContext") or {}).get("stage") or ""
    return lambda_handler(event, context)


def _with_whole_path(event: dict[str, Any]) -> dict[str, Any]:
    """Give Zappa back the stage prefix that it strips from paths on API Gateway's own host name."""
    request = event.get("requestContext") or {}
    stage = "/" + (request.get("stage") or "")
    host = (event.get("headers") or {}).get("Host", "")
    path = event.get("path", "")
    if request.get("elb") is None and "amazonaws.com" in host and path.startswith(stage):
        return event | {"path": stage + path}
    return event


def _without_doubled_cookies(answer: Any) -> Any:
    """Keep each Set-Cookie once, in the one header list that API Gateway reads."""
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return answer
    if "cookies" in answer:
        answer["cookies"] = list(dict.fromkeys(cookie.strip() for cookie in answer["cookies"]))
    many = answer.get("multiValueHeaders")
    if many is not None:
        names = [name for name in many if name.lower() == "set-cookie"]
        cookies = [cookie.strip() for name in names for cookie in many.pop(name)]
        if cookies:
            many["Set-Cookie"] = list(dict.fromkeys(cookies))
        answer["headers"] = {}
    return answer
