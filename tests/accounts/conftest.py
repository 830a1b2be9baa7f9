"""Cognito's documented answers, given by a stub: what the embedded one does not check."""

from __future__ import annotations

import pytest
from botocore.stub import Stubber

CLIENT_SECRET = "secret-of-the-client-made-up"


@pytest.fixture
def cognito_answers(stack):
    """A stub in place of Cognito; a call that was not prepared fails."""
    from databridge.aws import client

    with Stubber(client("cognito-idp")) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def with_secret(monkeypatch):
    """The app's client has a secret, as on AWS."""
    monkeypatch.setenv("DATABRIDGE_CLIENT_SECRET", CLIENT_SECRET)
