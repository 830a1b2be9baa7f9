"""Cut transfers go on where they stopped, bounded in memory and time, and never mix two files."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.sources import errors, parse_source
from ingestion.sources.base import Limits
from ingestion.sources.resume import Deadline, patiently, resuming
from tests.sources.servers import CuttingProxy
from tests.sources.test_real_servers import LIMITS, fetch, ftp, web

ROOT = Path(__file__).resolve().parents[2]
CUTS = [1 << 20, 3 << 20]


def through(spec: dict, proxy: CuttingProxy) -> dict:
    if "url" in spec:
        return spec | {"url": f"http://127.0.0.1:{proxy.port}/" + spec["url"].split("/", 3)[3]}
    return spec | {"port": proxy.port}


@pytest.mark.parametrize("path", ["/big.bin", "/noranges/big.bin"])
def test_http_goes_on_after_two_cuts_with_and_without_ranges(farm, path):
    spec = web(farm, path)
    proxy = CuttingProxy(farm.port("nginx"), [1 << 20, 3 << 20])
    assert fetch(through(spec, proxy)) == (farm.files / "big.bin").read_bytes()
    assert proxy.made == 2


@pytest.mark.parametrize("kind", ["vsftpd", "proftpd", "proftpd-sftp", "sshd"])
def test_ftp_and_sftp_go_on_after_two_cuts(farm, kind):
    spec = ftp(farm, kind, path=ftp(farm, kind)["path"].replace("orders.csv", "big.bin"))
    proxy = CuttingProxy(spec["port"], list(CUTS), ftp=kind in {"vsftpd", "proftpd"})
    assert fetch(through(spec, proxy)) == (farm.files / "big.bin").read_bytes()
    assert proxy.made == 2


@pytest.mark.parametrize("kind", ["nginx", "proftpd"])
def test_a_file_replaced_during_a_cut_is_never_mixed(farm, kind):
    file = farm.files / "replaced.bin"
    file.write_bytes(b"a" * (4 << 20))
    spec = web(farm, "/replaced.bin") if kind == "nginx" else ftp(farm, kind, path=str(file))
    proxy = CuttingProxy(farm.port(kind), [2 << 20], ftp=kind == "proftpd")
    with parse_source(through(spec, proxy)).open(LIMITS) as fetched:
        next(fetched.chunks)
        file.with_suffix(".new").write_bytes(b"b" * (3 << 20))
        os.utime(file.with_suffix(".new"), (1, 1))
        file.with_suffix(".new").replace(file)
        with pytest.raises(errors.SourceChanged):
            b"".join(fetched.chunks)


def test_a_server_that_never_brings_a_byte_more_ends_as_truncated(farm):
    proxy = CuttingProxy(farm.port("nginx"), [1000] * 50)
    small = replace(LIMITS, max_failures=2)
    spec = through(web(farm, "/big.bin"), proxy)
    with parse_source(spec).open(small) as fetched:
        proxy.cuts[:] = [1] * 50
        with pytest.raises(errors.SourceTruncated):
            b"".join(fetched.chunks)


def test_the_time_limit_ends_a_transfer_that_drips():
    def drips(_):
        while True:
            time.sleep(0.01)
            yield b"x"

    limits = Limits(deadline_s=0.1)
    with pytest.raises(errors.SourceTimeout):
        list(resuming(drips, size=None, limits=limits, deadline=Deadline(limits)))


def test_retry_after_is_obeyed_within_the_time_limit_only():
    answers = [errors.SourceBusy("busy", retry_after_s=0.05), errors.SourceBusy("busy", retry_after_s=0)]

    def call() -> str:
        if answers:
            raise answers.pop(0)
        return "served"

    limits = Limits(deadline_s=1)
    begun = time.monotonic()
    assert patiently(call, limits, Deadline(limits)) == "served"
    assert time.monotonic() - begun >= 0.05
    answers.append(errors.SourceBusy("busy", retry_after_s=60))
    with pytest.raises(errors.SourceBusy):
        patiently(call, limits, Deadline(limits))


@given(content=st.binary(max_size=200), cuts=st.lists(st.integers(1, 30), max_size=8))
def test_whatever_the_cuts_the_bytes_are_those_of_the_file(content, cuts):
    left = list(cuts)

    def begin(offset):
        if not left:
            yield content[offset:]
            return
        yield content[offset : offset + left.pop(0)]
        raise errors.SourceTruncated("cut")

    limits = Limits(backoff_s=0, max_failures=9)
    assert b"".join(resuming(begin, size=len(content), limits=limits, deadline=Deadline(limits))) == content


CHILD = """
import hashlib, json, sys
from ingestion.sources import parse_source
from ingestion.sources.base import Limits
from ingestion.sources.guard import GuardPolicy
digest = hashlib.sha256()
with parse_source(json.load(sys.stdin)).open(Limits(policy=GuardPolicy(allow_cidrs=("127.0.0.0/8",)))) as fetched:
    for chunk in fetched.chunks:
        digest.update(chunk)
# The peak of this process alone: getrusage would also count the process it was forked from.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(digest.hexdigest(), int(peak.split()[1]) // 1024)
"""


def large(farm, size_mb: int) -> tuple[Path, str]:
    """A file of so many MiB, each unlike the others, and its SHA-256."""
    file, digest = farm.files / f"large-{size_mb}.bin", hashlib.sha256()
    with file.open("wb") as out:
        for number in range(size_mb):
            block = number.to_bytes(4, "big") * (1 << 18)
            digest.update(block)
            out.write(block)
    return file, digest.hexdigest()


def cut_twice(farm, kind: str, file: Path, size_mb: int) -> tuple[CuttingProxy, dict]:
    """A way to the file that is cut after a quarter and after a half of it."""
    path = f"/{file.name}" if kind == "vsftpd" else str(file)
    spec = web(farm, f"/{file.name}") if kind == "nginx" else ftp(farm, kind, path=path)
    proxy = CuttingProxy(farm.port(kind), [size_mb << 18, size_mb << 18], ftp=kind == "vsftpd")
    return proxy, through(spec, proxy)


@pytest.mark.parametrize("size_mb", [64, pytest.param(2048, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["nginx", "vsftpd", "sshd"])
def test_a_large_file_comes_whole_after_two_cuts_in_little_memory(farm, kind, size_mb):
    file, digest = large(farm, size_mb)
    proxy, spec = cut_twice(farm, kind, file, size_mb)
    said = json.dumps(spec)
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input=said, capture_output=True, text=True, cwd=ROOT, check=True
    )
    file.unlink()
    found, peak_mb = done.stdout.split()
    assert found == digest
    assert proxy.made == 2
    assert int(peak_mb) < 400, f"{peak_mb} MB"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nginx", "vsftpd"])
def test_two_gigabytes_reach_the_raw_store_by_a_worker_in_little_memory(farm, stack, api, ended, kind):
    """The worker's own process, from the request to the raw object; the content is of no format, so that it ends there."""
    file, digest = large(farm, 2048)
    proxy, spec = cut_twice(farm, kind, file, 2048)
    job = api("Operator").post("/ingest", json={"dataset": f"large_{kind}", "source": spec}).json()
    job = ended(job["job_id"], timeout_s=900)
    file.unlink()
    assert (job["sha256"], job["error"]["code"]) == (digest, "UNKNOWN_FORMAT")
    assert proxy.made == 2
    peaks = [peak for peak in map(_peak_mb, _children(stack._lambda.pid)) if peak]
    print(f"{kind}: the workers' peaks are {peaks} MB")
    assert max(peaks) < 400


def _children(pid: int) -> list[int]:
    return [
        int(text) for task in Path(f"/proc/{pid}/task").iterdir() for text in (task / "children").read_text().split()
    ]


def _peak_mb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)
