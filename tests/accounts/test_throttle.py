"""Tries at an account and from an address are counted together by all instances; their time tells nothing."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid

import pytest

from accounts import throttle
from accounts.cognito import SignInRefused

GUESS = """
import sys
from accounts import throttle
from accounts.cognito import SignInRefused
throttle.REFUSAL_S = 0
told = []
for _ in range(int(sys.argv[3])):
    try:
        with throttle.guessing(sys.argv[1], sys.argv[2]):
            raise SignInRefused("wrong")
    except Exception as error:
        told.append(error.code)
print(*told)
"""


@pytest.fixture
def account() -> str:
    return f"{uuid.uuid4()}@example.com"


def _guess(account: str, address: str) -> str:
    """Try once in vain; return the refusal's code."""
    try:
        with throttle.guessing(account, address):
            raise SignInRefused("wrong")
    except (SignInRefused, throttle.TooManyTries) as error:
        return error.code


def test_two_instances_count_together(stack, account):
    command = [sys.executable, "-c", GUESS, account, "203.0.113.1", "6"]
    environment = {"PATH": "", **_environment()}
    instances = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    told = [code for instance in instances for code in instance.communicate(timeout=60)[0].split()]
    assert told.count("SIGN_IN_REFUSED") == throttle.TRIES["account"]
    assert told.count("TOO_MANY_REQUESTS") == 2


def _environment() -> dict[str, str]:
    import os

    return {"DJANGO_SETTINGS_MODULE": "databridge.settings", **os.environ}


def test_an_address_that_tries_many_accounts_is_slowed_down(stack, monkeypatch):
    monkeypatch.setattr(throttle, "REFUSAL_S", 0)
    address = str(uuid.uuid4())
    told = [_guess(f"{uuid.uuid4()}@example.com", address) for _ in range(throttle.TRIES["address"] + 3)]
    assert told.count("TOO_MANY_REQUESTS") == 3
    assert _guess(f"{uuid.uuid4()}@example.com", "another address") == "SIGN_IN_REFUSED"


def test_what_succeeds_does_not_add_up(stack, account):
    for _ in range(throttle.TRIES["account"] * 2):
        with throttle.guessing(account, account):
            pass
    assert _guess(account, account) == "SIGN_IN_REFUSED"


def test_upper_case_and_blanks_make_no_other_account(stack, account, monkeypatch):
    monkeypatch.setattr(throttle, "REFUSAL_S", 0)
    for n in range(throttle.TRIES["account"]):
        _guess(f" {account.upper()} " if n % 2 else account, str(uuid.uuid4()))
    assert _guess(account, "x") == "TOO_MANY_REQUESTS"


def test_every_refusal_takes_as_long_as_the_slowest(stack, account):
    """An unknown account is answered by Cognito sooner than a wrong password."""
    began = time.monotonic()
    assert _guess(account, account) == "SIGN_IN_REFUSED"
    assert time.monotonic() - began >= throttle.REFUSAL_S


def test_without_the_counter_nobody_signs_in(stack, account, monkeypatch):
    from pynamodb.exceptions import PutError

    from ingestion.errors import StoreUnavailable

    def broken(*_, **__):
        raise PutError("out of reach")

    monkeypatch.setattr(throttle.Throttle, "update", broken)
    with pytest.raises(StoreUnavailable), throttle.guessing(account, account):
        raise AssertionError("tried without being counted")
