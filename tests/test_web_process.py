"""The web process stays light: serving pages and the API never imports pandas or PyArrow."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "databridge.settings"
import django
django.setup()
from django.test import Client
from databridge.local.provision import DEMO_PASSWORD
client = Client()
answer = client.post("/app/sign-in", {"email": "admin@databridge.example", "password": DEMO_PASSWORD})
assert answer.status_code == 302, answer.content
for path in ("/app/", "/app/jobs", "/app/new", "/app/datasets", "/app/api/jobs", "/app/api/stats", "/api/schema/"):
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.content[:300])
answer = client.post("/app/api/upload", {"file": open(sys.argv[1], "rb"), "dataset": "light"})
assert answer.status_code == 202, answer.content
answer = client.post("/app/api/dry-run?filename=a.csv&whole=true", b"a,b\\n1,2\\n", content_type="application/octet-stream")
assert answer.status_code == 200, answer.content
heavy = sorted({"pandas", "pyarrow", "openpyxl", "numpy"} & set(sys.modules))
print("heavy:", heavy)
"""


def test_pages_api_and_an_upload_are_served_without_pandas_or_pyarrow(stack, tmp_path):
    sample = tmp_path / "a.csv"
    sample.write_text("a,b\n1,2\n")
    command = [sys.executable, "-c", SCRIPT, str(sample)]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "heavy: []"
