"""What a job was made of and what it made, with a hash for each; and the proof that the lake still holds just that."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ingestion import lake, lifecycle, setaside
from ingestion.errors import DataBridgeError, ObjectMissing
from ingestion.moves import now

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ingestion.models import Job

NAME = "manifest.json"


class ManifestMissing(DataBridgeError):
    """The job has no manifest: it has not ended well, or it is older than manifests.

    Look at how the job ended.
    """

    code: ClassVar[str] = "MANIFEST_NOT_FOUND"
    http_status: ClassVar[int] = 404


class NotAsRecorded(DataBridgeError):
    """What is in the lake is not what the job's manifest says: somebody or something has changed it.

    Restore the object from the bucket's versions, or load the raw file again.
    """

    code: ClassVar[str] = "NOT_AS_RECORDED"
    http_status: ClassVar[int] = 409


def write(job: Job, told: Mapping[str, Any], output: Mapping[str, Any], *, contract: Mapping[str, Any]) -> None:
    """Keep a job's manifest; ``told`` is the conversion's report, ``output`` what was published."""
    from ingestion.conversion.writer import CODE_VERSION

    rejects = lake.about_key(job.job_id, setaside.TABLE)
    lake.put_json(
        lake.about_key(job.job_id, NAME),
        {
            "job_id": job.job_id,
            "dataset": job.dataset,
            "made_at": now().isoformat(),
            "code_version": CODE_VERSION,
            "raw": {"path": job.raw_path, "bytes": job.raw_bytes, "sha256": job.sha256},
            "output": dict(output),
            "rejects": {"path": lake.uri(rejects), "sha256": lake.sha256_of(rejects)} if lake.exists(rejects) else None,
            "replays": job.replays,
            "rows": told["rows"],
            "columns": {column["name"]: {"type": column["type"], "rule": column["rule"]} for column in told["columns"]},
            "contract_version": contract.get("version"),
            "rules": contract.get("rules", []),
            "options": job.options,
        },
    )


def follow(job_id: str, output: Mapping[str, Any]) -> None:
    """Note that what a job published was written anew, with the same values."""
    key = lake.about_key(job_id, NAME)
    if (kept := lake.get_json(key)) is not None:
        lake.put_json(key, kept | {"output": kept["output"] | dict(output), "settled_at": now().isoformat()})


def verify(job_id: str) -> Iterator[str]:
    """Yield a line for everything that is as the manifest says; raises ``NotAsRecorded`` at the first that is not.

    Also raises ``ManifestMissing`` and ``JobMissing``. All objects are read whole.
    """
    job = lifecycle.get(job_id)
    kept = lake.get_json(lake.about_key(job_id, NAME))
    if kept is None or job.status != "SUCCESS":
        raise ManifestMissing(f"The job {job_id} is {job.status} and has no manifest.", hint="See how it ended.")
    yield _hashed("raw file", kept["raw"])
    _same("the record's SHA-256 of the raw file", job.sha256, kept["raw"]["sha256"])
    yield _hashed("Parquet", kept["output"])
    _same("the record's SHA-256 of the Parquet", job.output_sha256, kept["output"]["sha256"])
    if kept["rejects"]:
        yield _hashed("rejects", kept["rejects"])
    yield from _footer(kept)
    rows = kept["rows"]
    _same("read rows", rows["read"], rows["loaded"] + rows["rejected"] + sum(rows["skipped"].values()))
    yield f"rows: {rows['read']:,} read = {rows['loaded']:,} loaded + {rows['rejected']:,} rejected + skipped"
    if state := setaside.State.of(job):
        _same("rows set aside", state.total, rows["rejected"])
        yield f"rejects: {len(state.loaded):,} loaded since, {len(state.given_up):,} dismissed, {state.open:,} open"


def _hashed(what: str, told: Mapping[str, Any]) -> str:
    try:
        found = lake.sha256_of(lake.key_of(told["path"]))
    except ObjectMissing:
        raise NotAsRecorded(
            f"The {what} {told['path']} is not in the lake.", hint="Restore it, or load anew."
        ) from None
    _same(f"the SHA-256 of the {what}", found, told["sha256"])
    return f"{what}: {told['path']} has SHA-256 {found}"


def _footer(kept: Mapping[str, Any]) -> Iterator[str]:
    """Compare what the Parquet file says of itself."""
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory(prefix="databridge-") as folder:
        path = Path(folder) / "out.parquet"
        lake.download(lake.key_of(kept["output"]["path"]), path)
        with pq.ParquetFile(path) as file:
            told = {name.decode(): text.decode() for name, text in (file.metadata.metadata or {}).items()}
            rows = file.metadata.num_rows
    _same("the rows of the Parquet", rows, kept["rows"]["loaded"])
    _same("the job in the footer", told.get("databridge.job_id"), kept["job_id"])
    _same("the raw file's hash in the footer", told.get("databridge.raw_sha256"), kept["raw"]["sha256"])
    rules = len(json.loads(told.get("databridge.rules", "{}")))
    yield f"footer: job {kept['job_id']}, {rows:,} rows, rules of {rules} columns"


def _same(what: str, found: Any, told: Any) -> None:
    if found != told:
        raise NotAsRecorded(
            f"{what[0].upper()}{what[1:]} is {found}; the manifest says {told}.",
            hint="Somebody has changed it: restore the object, or load the raw file again.",
        )
