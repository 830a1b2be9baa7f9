"""The stages and all that differs between them; everything else about them is alike."""

from __future__ import annotations

import os
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Machine:
    """A program that signs in by client credentials: its name, and its role (``admin``, ``operator``, ``viewer``)."""

    name: str
    role: str = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage's choices. Days and US dollars as the names say.

    ``retain`` keeps data when the stack is deleted; ``alarm_email`` receives alarms and the budget's warnings.
    ``domain`` and ``certificate_arn`` give the pages an address of their own; without them the API's own
    address is used, with the stage's name as the first part of every path. ``contact`` is whom people without a role
    are told to ask.
    """

    name: str
    region: str = "eu-west-1"
    account: str = field(default_factory=lambda: os.environ.get("CDK_DEFAULT_ACCOUNT", "111111111111"))
    retain: bool = False
    mfa_required: bool = False
    firewall: bool = True
    log_days: int = 30
    raw_to_archive_days: int = 90
    budget_usd: int = 50
    requests_per_5_minutes: int = 2000
    requests_per_second: int = 50
    alarm_email: str = field(default_factory=lambda: os.environ.get("DATABRIDGE_ALARM_EMAIL", ""))
    domain: str = ""
    certificate_arn: str = ""
    contact: str = ""
    machines: tuple[Machine, ...] = ()

    def named(self, what: str) -> str:
        """Return a resource's name on this stage, such as ``databridge-dev-jobs``."""
        return f"databridge-{self.name}-{what}"

    @property
    def bucket(self) -> str:
        """The lake's bucket; bucket names are shared by all accounts of the world, so this one carries ours."""
        return f"databridge-erp-{self.name}-{self.account}"

    @property
    def sign_in_domain(self) -> str:
        """The first part of the host name of Cognito's token endpoint, which machines ask; unique in a region."""
        return f"databridge-{self.name}-{self.account}"

    @property
    def web(self) -> str:
        """The function that answers requests, as Zappa names it."""
        return self.named("web")

    @property
    def worker(self) -> str:
        """The function that runs jobs."""
        return self.named("worker")


STAGES = (
    Stage(name="dev", log_days=7, budget_usd=20, machines=(Machine("nightly"),)),
    Stage(name="staging", log_days=14, budget_usd=20),
    Stage(name="prod", retain=True, mfa_required=True, log_days=365, budget_usd=200, raw_to_archive_days=180),
)


def stage(name: str) -> Stage:
    """Return a stage by name; raises ``KeyError`` for one that is not there."""
    return {known.name: known for known in STAGES}[name]
