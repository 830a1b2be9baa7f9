"""``manage.py create_admin EMAIL``: the first Admin of a stage, who then invites the others in the admin."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from accounts import people
from accounts.audit import Actor
from accounts.roles import Role
from databridge.config import ConfigInvalid
from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Invites somebody as Admin, or makes an Admin of somebody who is there; run again it changes nothing."""

    help = "Invite the first Admin of a stage; Cognito sends the temporary password by e-mail."
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own form)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the address."""
        parser.add_argument("email")

    def handle(self, *_: Any, **given: Any) -> None:
        """Do it, and say what was done."""
        email = given["email"].strip().lower()
        # who may run this command has the stage's AWS rights; the log keeps their name on this machine
        actor = Actor(name=f"{getpass.getuser()} (command line)")
        try:
            self.stdout.write(_made(actor, email))
        except (DataBridgeError, ConfigInvalid) as error:
            raise CommandError(str(error)) from error


def _made(actor: Actor, email: str) -> str:
    try:
        person = people.get(email)
    except people.PersonMissing:
        people.invite(actor, email, Role.ADMIN.value)
        return f"{email} is invited as Admin; a temporary password is on its way by e-mail."
    if person.role == Role.ADMIN.value and person.enabled:
        return f"{email} is an Admin already."
    if person.role != Role.ADMIN.value:
        people.give_role(actor, person, Role.ADMIN.value)
    if not person.enabled:
        people.enable(actor, person)
    return f"{email} has an account, and is an Admin now."
