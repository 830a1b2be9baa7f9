"""A person as Django sees them: made from Cognito's claims, never saved."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db import models

from accounts.audit import Actor
from accounts.origin import address_of, door_of
from accounts.roles import Role, highest
from databridge.rows import Row


class User(models.Model):
    """Somebody signed in. ``pk`` is Cognito's ``sub``; there is no table behind it.

    ``address`` and ``door`` say where they come from at present, once a request is known.
    """

    sub = models.CharField(primary_key=True, max_length=64)
    email = models.EmailField("e-mail", blank=True)

    USERNAME_FIELD: ClassVar[str] = "sub"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    is_authenticated = True
    is_anonymous = False
    is_active = True

    class Meta:
        managed = False
        default_permissions = ()
        verbose_name = "user"

    role: Role | None = None
    address = ""
    door = "command"

    @classmethod
    def of(cls, *, sub: str, email: str, groups: list[str]) -> User:
        """Make a user from what Cognito says of them."""
        return cls.with_role(sub=sub, email=email, role=highest(groups))

    @classmethod
    def with_role(cls, *, sub: str, email: str, role: Role | None) -> User:
        """Make a user whose role is known."""
        user = cls(sub=sub, email=email)
        user.role = role
        return user

    @property
    def actor(self) -> Actor:
        """Return how the audit log names them."""
        return Actor.of(self)

    def __str__(self) -> str:
        return self.email or self.sub

    @property
    def is_staff(self) -> bool:
        """Whether the Django admin lets them in."""
        return self.role is Role.ADMIN

    @property
    def is_superuser(self) -> bool:
        """Whether every admin page is theirs."""
        return self.is_staff

    def get_username(self) -> str:
        """Return what pages call them."""
        return str(self)

    def has_perm(self, _permission: str, _obj: Any = None) -> bool:
        """Grant Django's permissions to Admins only; the role table decides everything else."""
        return self.is_staff

    def has_perms(self, _permissions: Any, _obj: Any = None) -> bool:
        """Grant Django's permissions to Admins only."""
        return self.is_staff

    def has_module_perms(self, _app: str) -> bool:
        """Show the admin's sections to Admins only."""
        return self.is_staff

    def save(self, *_: Any, **__: Any) -> None:
        """Refuse: people live in Cognito."""
        raise TypeError("A user is kept in Cognito and is not saved here.")


class AuditRow(Row):
    """An entry of the audit log as the admin lists it; there is no table behind it."""

    entry_id = models.CharField(primary_key=True, max_length=64)

    class Meta(Row.Meta):
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"


def signed_in(request: Any) -> User:
    """Return the request's user, who must be one; raises ``PermissionDenied`` for somebody not signed in."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    user.address, user.door = address_of(request), door_of(request)
    return user
