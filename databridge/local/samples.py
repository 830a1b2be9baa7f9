"""The sample run: every file of ``samples/`` through the real API, from the kind of source its entry names."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from databridge.local.outside import FTP_PASSWORD, FTP_USER, Outside
from databridge.local.provision import DEMO_PASSWORD

FOLDER = Path(__file__).resolve().parents[2] / "samples"
ENDED = {"SUCCESS", "FAILED", "CANCELLED"}
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A file of the folder, the dataset it belongs to, and the kind of source it is fetched from."""

    file: str
    dataset: str
    source: str


def all_samples() -> list[Sample]:
    """Return the samples in the order of their list, ``samples/samples.json``."""
    return [Sample(**entry) for entry in json.loads((FOLDER / "samples.json").read_text(encoding="utf-8"))]


class Api:
    """The HTTP API as a program of the outside sees it."""

    def __init__(self, base: str, email: str) -> None:
        """Sign in for a token, as anybody would."""
        self._http = httpx.Client(base_url=base, timeout=60)
        answer = self._http.post("/token", json={"username": email, "password": DEMO_PASSWORD})
        answer.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['id_token']}"

    def submit(self, sample: Sample, outside: Outside) -> dict[str, Any]:
        """Send one sample in; loaded before or not, this run loads it again."""
        path = FOLDER / sample.file
        options = {"force": True}
        if sample.source == "upload":
            with path.open("rb") as file:
                answer = self._http.post(
                    "/upload",
                    files={"file": (sample.file, file)},
                    data={"dataset": sample.dataset, "options": json.dumps(options)},
                )
        elif sample.source == "api":
            answer = self._http.post(
                "/ingest",
                params={"dataset": sample.dataset, "filename": sample.file, "force": "true"},
                content=path.read_bytes(),
                headers={"Content-Type": "application/octet-stream"},
            )
        else:
            body = {"dataset": sample.dataset, "source": _source(sample, outside), "options": options}
            answer = self._http.post("/ingest", json=body)
        answer.raise_for_status()
        return answer.json()

    def wait(self, job_id: str) -> dict[str, Any]:
        """Return the job once it has ended, or as it is after two minutes."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            job = self._http.get(f"/jobs/{job_id}").raise_for_status().json()
            if job["status"] in ENDED or time.monotonic() > deadline:
                return job
            time.sleep(0.2)


def _source(sample: Sample, outside: Outside) -> dict[str, Any]:
    match sample.source:
        case "http":
            return {"type": "http", "url": f"http://127.0.0.1:{outside.http}/{sample.file}"}
        case "ftp":
            return {
                "type": "ftp",
                "host": "127.0.0.1",
                "port": outside.ftp,
                "path": f"/{sample.file}",
                "username": FTP_USER,
                "password": FTP_PASSWORD,
            }
        case _:
            return {
                "type": "tcp",
                "host": "127.0.0.1",
                "port": outside.tcp,
                "send": f"{sample.file}\n",
                "filename": sample.file,
            }
