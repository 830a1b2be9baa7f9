"""The app synthesised once, and the embedded AWS that it is compared with."""

from __future__ import annotations

import json

import pytest

from infra.app import build
from infra.stages import STAGES
from tests.conftest import stack  # noqa: F401  (a fixture)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory):
    """The folder with every template; synthesising raises when cdk-nag finds something that is not accepted."""
    folder = tmp_path_factory.mktemp("cdk.out")
    build(str(folder)).synth()
    return folder


@pytest.fixture(scope="session")
def templates(assembly):
    """Each stack's template by its name."""
    return {
        file.name.removesuffix(".template.json"): json.loads(file.read_text())
        for file in assembly.glob("*.template.json")
    }


@pytest.fixture(params=STAGES, ids=lambda stage: stage.name)
def stage(request):
    """Each stage in turn."""
    return request.param


@pytest.fixture
def base(templates, stage):
    """The resources of the stage's base."""
    return templates[stage.named("base")]["Resources"]


@pytest.fixture
def edge(templates, stage):
    """The resources of the stage's edge."""
    return templates[stage.named("edge")]["Resources"]


def of_type(resources: dict, kind: str) -> list[dict]:
    """The properties of all resources of a type, such as ``S3::Bucket``."""
    return [found.get("Properties", {}) for found in resources.values() if found["Type"] == f"AWS::{kind}"]
