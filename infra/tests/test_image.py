"""The image's file tree, assembled by the Dockerfile's own instructions where no container engine is present."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGE_BYTES = 10 * 1024**3  # Lambda's limit
TASK_ROOT = "/var/task"
REQUEST = """
import json, sys, types
from databridge.lambda_entry import handler
request = json.load(sys.stdin)
answer = handler(request, types.SimpleNamespace(aws_request_id="1", function_name="f", memory_limit_in_mb=1024))
print(json.dumps({
    "status": answer["statusCode"],
    "body": answer.get("body") or "",
    "heavy": sorted({"pandas", "pyarrow", "openpyxl", "numpy"} & set(sys.modules)),
    "from": sys.modules["databridge"].__file__,
}))
"""


def _instructions(dockerfile: str) -> list[tuple[str, str]]:
    """The instructions, with continued lines joined and comments left out."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


class _Assembler:
    """Runs FROM, COPY, ENV and RUN in folders that stand for the stages' root directories."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stages: dict[str, Path] = {}
        self.root = folder
        self.env: dict[str, str] = {}

    def path(self, inside: str) -> Path:
        """Where a path of the image is; what is not absolute lies below the task root, as in AWS's base image."""
        return self.root / (inside if inside.startswith("/") else f"{TASK_ROOT}/{inside}").lstrip("/")

    def do(self, word: str, rest: str) -> None:
        rest = rest.replace("${LAMBDA_TASK_ROOT}", TASK_ROOT)
        if word == "FROM":
            name = rest.split(" AS ")[1] if " AS " in rest else "image"
            self.root = self.stages[name] = self.folder / name
            self.path("").mkdir(parents=True)
        elif word == "ENV":
            name, text = rest.split("=", 1)
            self.env[name] = text
        elif word == "COPY":
            self._copy(rest)
        elif word == "RUN":
            self._run(rest)

    def _copy(self, rest: str) -> None:
        *sources, dest = rest.split()
        origin = ROOT
        if sources[0].startswith("--from="):
            origin = self.stages[sources.pop(0).removeprefix("--from=")]
        for source in sources:
            found = origin / source.lstrip("/")
            target = self.path(dest)
            if found.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", *(["local"] if source == "databridge" else []))
                shutil.copytree(found, target, dirs_exist_ok=True, ignore=ignored)
            else:
                shutil.copy(found, target / found.name if dest.endswith(("/", ".")) else target)

    def _run(self, rest: str) -> None:
        command = rest
        for inside in (TASK_ROOT, "/packages"):
            command = command.replace(inside, str(self.path(inside)))
        command = command.replace("--no-cache-dir", "--quiet --disable-pip-version-check")
        env = {name: text.replace(TASK_ROOT, str(self.path(TASK_ROOT))) for name, text in self.env.items()}
        if self.root.name == "image":
            env["PYTHONPATH"] = str(self.path(TASK_ROOT))
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=self.path(""),
            env={
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": os.environ.get("HOME", "/"),
                **env,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert done.returncode == 0, f"{rest}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The folder that is the image's task root."""
    assembler = _Assembler(tmp_path_factory.mktemp("image"))
    for word, rest in _instructions((ROOT / "Dockerfile").read_text()):
        assembler.do(word, rest)
    yield assembler.path(TASK_ROOT)
    shutil.rmtree(assembler.folder)


def _served(image: Path, stack, path: str, stage: str, host: str) -> dict:
    request = {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": {"Host": host, "X-Forwarded-Proto": "https"},
        "multiValueHeaders": {"Host": [host], "X-Forwarded-Proto": ["https"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "requestContext": {"stage": stage, "identity": {"sourceIp": "203.0.113.7"}, "path": f"/{stage}{path}"},
        "body": None,
        "isBase64Encoded": False,
    }
    # -S and -I: nothing but the standard library and the image's own files can be imported
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(image)!r})\n{REQUEST}"],
        input=json.dumps(request),
        env={
            "PATH": os.environ["PATH"],
            **stack.env,
            "DATABRIDGE_SQLITE": str(image / "django.sqlite3"),
            "DATABRIDGE_HOSTS": host,
        },
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_image_fits_lambda_and_holds_no_local_parts(image):
    size = sum(file.stat().st_size for file in image.rglob("*") if file.is_file() and not file.is_symlink())
    assert 100e6 < size < IMAGE_BYTES
    assert not (image / "databridge" / "local").exists()
    assert (image / "staticfiles" / "css" / "app.css").exists()


def test_its_entry_point_serves_a_page_from_the_image_alone_and_starts_light(image, stack):
    page = _served(image, stack, "/app/sign-in", "dev", "data.example.com")
    assert page["status"] == 200
    assert "Sign in" in page["body"]
    assert page["heavy"] == []
    assert page["from"].startswith(str(image))


def test_one_image_serves_every_stage_under_its_own_prefix(image, stack):
    host = "abc123.execute-api.eu-west-1.amazonaws.com"
    for stage in ("dev", "prod"):
        page = _served(image, stack, "/app/", stage, host)
        assert page["status"] == 302, page
