"""The stage's resources, defined once: the embedded AWS and the infrastructure code both build from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from databridge import config

if TYPE_CHECKING:
    from pynamodb.models import Model

GROUPS = ("Admin", "Operator", "Viewer")
# Length and no rules of composition: OWASP ASVS 5.0, 6.2.1 and 6.2.5; common ones are refused by ``accounts.cognito``.
PASSWORD_POLICY = {
    "MinimumLength": 12,
    "RequireUppercase": False,
    "RequireLowercase": False,
    "RequireNumbers": False,
    "RequireSymbols": False,
}
# Machine clients sign in by client credentials; a scope of this resource server stands for each role.
RESOURCE_SERVER = "databridge"
SCOPES = tuple(group.lower() for group in GROUPS)
AUTH_FLOWS = ("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")
# The product's endpoints: reached with a Cognito token only, which API Gateway checks before any code of ours runs.
GUARDED = {
    "ingest": ("POST",),
    "upload": ("POST",),
    "dry-run": ("POST",),
    "uploads": ("POST",),
    "uploads/{proxy+}": ("HEAD", "POST", "PATCH", "DELETE"),
    "sources/test": ("POST",),
    "connections": ("GET", "POST"),
    "connections/{proxy+}": ("GET", "POST", "PUT", "DELETE"),
    "jobs": ("GET",),
    "jobs/{job_id}": ("GET",),
    "jobs/{job_id}/{proxy+}": ("GET", "POST"),
    "datasets": ("GET",),
    "datasets/{proxy+}": ("GET", "PUT"),
    "stats": ("GET",),
}
# The same endpoints for machines: API Gateway's authorizer takes either ID tokens or access tokens with these scopes.
MACHINE_DOOR = "machine"
MACHINE_SCOPES = tuple(f"{RESOURCE_SERVER}/{name}" for name in SCOPES)
CHUNK_DAYS, INCOMPLETE_DAYS = 7, 2
LIFE_CYCLE: tuple[dict[str, Any], ...] = (
    {"ID": "chunks", "Status": "Enabled", "Filter": {"Prefix": "up/"}, "Expiration": {"Days": CHUNK_DAYS}},
    {
        "ID": "incomplete",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": INCOMPLETE_DAYS},
    },
)


def guarded(method: str, path: str) -> str | None:
    """Return which token the gateway asks for: ``id`` at the product's endpoints, ``access`` at the machines' door,
    None elsewhere.
    """
    parts = path.strip("/").split("/")
    use = "access" if parts[0] == MACHINE_DOOR else "id"
    parts = parts[1:] if use == "access" else parts
    for pattern, methods in GUARDED.items():
        wanted = pattern.split("/")
        open_ended = wanted[-1] == "{proxy+}" and len(parts) >= len(wanted)
        fixed = all(name in {part, "{job_id}", "{proxy+}"} for name, part in zip(wanted, parts, strict=False))
        if method in methods and fixed and (open_ended or len(parts) == len(wanted)):
            return use
    return None


def tables() -> tuple[type[Model], ...]:
    """Return the PynamoDB models whose tables the stage needs."""
    from accounts import store
    from ingestion import models

    return (*models.TABLES, *store.TABLES)


def schemas() -> dict[str, dict[str, Any]]:
    """Return what each table looks like, by its kind (``jobs``, ``events`` ...): keys and indexes in the words of
    DynamoDB's CreateTable, and ``time_to_live``, the attribute by which items expire, or None.
    """
    found = {}
    for model in tables():
        expiry = model._ttl_attribute()  # noqa: SLF001  (pynamodb has no public name for either)
        schema = model._get_schema()  # noqa: SLF001
        kind = model.Meta.table_name.removeprefix(config.table_name(""))
        found[kind] = {**schema, "time_to_live": expiry.attr_name if expiry else None}
    return found
