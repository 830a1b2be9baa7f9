"""The scripts' logic, by Node's own test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).parent / "js" / "logic.test.mjs"


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_the_logic_of_the_scripts_holds():
    done = subprocess.run(["node", "--test", str(TESTS)], capture_output=True, check=False, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "# pass 0" not in done.stdout
