"""Every sample, by the core alone and through the whole product from its kind of source."""

from __future__ import annotations

import io
import re

import pytest

from databridge.local import samples
from ingestion.conversion import convert
from tests.samples_check import EXPECTED, assert_exact

ALL = {sample.file: sample for sample in samples.all_samples()}


def test_every_sample_has_its_expected_values_and_the_other_way_round():
    assert set(ALL) == set(EXPECTED)
    assert {sample.source for sample in ALL.values()} == {"upload", "api", "http", "ftp", "tcp"}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_core_gives_the_exact_values_of(name, tmp_path):
    convert(samples.FOLDER / name, tmp_path / "out.parquet")
    assert_exact(name, tmp_path / "out.parquet")


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_product_loads(name, live, outside, ended):
    from databridge.aws import client
    from ingestion import lake

    submitted = samples.Api(live, "operator@databridge.example").submit(ALL[name], outside)
    job = ended(submitted["job_id"])
    assert job["status"] == "SUCCESS", job["error"]

    def content(address: str) -> bytes:
        bucket = client("s3").get_object(Bucket="databridge-erp-local", Key=lake.key_of(address))
        return bucket["Body"].read()

    day = job["created_at"][:10]
    root = "s3://databridge-erp-local"
    dataset = ALL[name].dataset
    assert job["output_path"] == f"{root}/parquet/{dataset}/date={day}/{job['job_id']}.parquet"
    assert re.fullmatch(rf"{root}/raw/{dataset}/date={day}/{job['job_id']}/{re.escape(name)}", job["raw_path"])
    assert content(job["raw_path"]) == (samples.FOLDER / name).read_bytes()
    assert_exact(name, io.BytesIO(content(job["output_path"])), kept=True)
