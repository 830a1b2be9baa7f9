"""Django's authentication backend over Cognito."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend

from accounts import cognito, jwt
from accounts.models import User


class CognitoBackend(BaseBackend):
    """Checks a password at Cognito and makes the user from the ID token; nothing is kept here."""

    def authenticate(self, request: Any, email: str = "", password: str = "", **_: Any) -> User | None:
        """Return the user, or None when Cognito refuses."""
        try:
            tokens = cognito.sign_in(email, password)
        except (cognito.SignInRefused, cognito.FurtherStep):
            return None
        return jwt.user_of(jwt.verified(tokens.id_token))

    def get_user(self, user_id: Any) -> None:
        """Return nothing: the session's middleware knows the user."""
        return
