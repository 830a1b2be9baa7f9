"""What the app says when its read-only database file is not as it should be, and that nothing writes to it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys

import pytest
from django.db import DatabaseError, connection

from databridge.startup import check_database_file
from tests.conftest import ROOT


@pytest.fixture
def database(tmp_path):
    """A database file as `make setup` makes it."""
    path = tmp_path / "django.sqlite3"
    _manage("migrate", "--verbosity", "0", path=path)
    return path


def _manage(*command: str, path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT, env={**os.environ, "DATABRIDGE_SQLITE": str(path)}, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


def _changed(path, statement: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute(statement)


def test_a_missing_file_is_said_at_start(stack, tmp_path):
    done = _manage("serve", "--port", "1", path=tmp_path / "nowhere.sqlite3")
    assert done.returncode == 1
    assert done.stderr.startswith("error: DATABASE_FILE_INVALID: The read-only database file")
    assert "is missing. Make it with `manage.py migrate`" in done.stderr


@pytest.mark.parametrize(
    ("statement", "lacking"),
    [
        ("DELETE FROM auth_permission WHERE codename = 'view_group'", "auth.Group"),
        ("DELETE FROM django_content_type WHERE app_label = 'ingestion'", "ingestion.JobRow"),
    ],
)
def test_a_file_older_than_the_code_is_said_at_start(stack, database, statement, lacking):
    _changed(database, statement)
    done = _manage("serve", "--port", "1", path=database)
    assert done.returncode == 1
    assert "is older than the code; it lacks" in done.stderr
    assert lacking in done.stderr


def test_a_file_that_is_no_database_is_said_at_start(stack, tmp_path):
    path = tmp_path / "django.sqlite3"
    path.write_bytes(b"rubbish " * 1000)
    done = _manage("serve", "--port", "1", path=path)
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_function_does_not_start_with_a_missing_file(stack, tmp_path):
    script = "from databridge.lambda_entry import _setup; _setup()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, env={**os.environ, "DATABRIDGE_SQLITE": str(tmp_path / "none")}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert "DatabaseFileInvalid" in done.stderr


def test_a_good_file_is_opened_for_reading_only(stack, django_db_blocker):
    with django_db_blocker.unblock():
        check_database_file()
        with pytest.raises(DatabaseError, match="readonly"), connection.cursor() as cursor:
            cursor.execute("DELETE FROM auth_permission")
