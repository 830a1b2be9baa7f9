"""From a contract's JSON and what the caller adds to the gates of one load, in their order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ingestion.conversion.checks.adding import TotalsGate
from ingestion.conversion.checks.errors import RuleInvalid
from ingestion.conversion.checks.lineage import Lineage, LineageGate
from ingestion.conversion.checks.profile import ProfileGate
from ingestion.conversion.checks.rules import rules_of
from ingestion.conversion.checks.run import LimitsGate, RulesGate
from ingestion.conversion.checks.totals import Totals, compare_bytes, without_trailer
from ingestion.conversion.contract.model import RejectLimits
from ingestion.conversion.contract.policies import DEFAULT
from ingestion.conversion.values import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ingestion.conversion.checks.gate import Gate
    from ingestion.conversion.checks.references import Before, References
    from ingestion.conversion.checks.rules import Rule
    from ingestion.conversion.unpack import Payload

NO_LIMITS = RejectLimits(None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """All that is held against a file beside the shape of its columns.

    ``profile`` looks at the rows that are loaded, where
    it is wanted. ``before`` are rows that the file belongs to and that are loaded already, ``loaded`` all rows of
    the dataset.
    """

    rules: tuple[Rule, ...] = ()
    limits: RejectLimits = NO_LIMITS
    totals: Totals | None = None
    lineage: Lineage = field(default_factory=Lineage)
    source_rows: Sequence[int | None] | None = None
    references: References | None = None
    profile: ProfileGate | None = None
    before: Before | None = None
    loaded: Before | None = None
    now: datetime | None = None

    @classmethod
    def of(
        cls,
        contract: Mapping[str, Any],
        *,
        totals: Any = None,
        job_id: str = "",
        at: datetime | None = None,
        references: References | None = None,
        loaded: Before | None = None,
        profile: bool = True,
    ) -> Checks:
        """Read the parts of a contract's JSON that are checks; raises ``RuleInvalid``."""
        moment = at or datetime.now(UTC)
        return cls(
            rules=rules_of(contract.get("rules")),
            limits=_limits(contract),
            totals=None if totals is None else Totals.of(totals),
            lineage=Lineage.of(contract.get("lineage"), job_id, moment),
            references=references,
            loaded=loaded,
            profile=ProfileGate() if profile else None,
            now=at,
        )

    def opened(self, src: Path, payload: Payload, folder: Path) -> tuple[Payload, Checks]:
        """Compare the file's bytes with the totals; a trailer that tells some is cut off.

        Where the caller gives none, those that lie beside the file in its archive hold. Raises ``TotalsMismatch`` or
        ``RuleInvalid``.
        """
        given = self.totals
        if given is None:
            given, notices = Totals.beside(payload)
            payload = replace(payload, notices=(*payload.notices, *notices))
        elif payload.totals:
            names = ", ".join(f'"{one.name}"' for one in payload.totals)
            message = f"The file is not held against {names} beside it, because the caller gave totals."
            payload = replace(payload, notices=(*payload.notices, Notice(code="TOTALS_BESIDE", message=message)))
        if given is None:
            return payload, self
        if given.beside_ending:
            raise RuleInvalid(
                f"No totals that end in {given.beside_ending} can be fetched: the file was sent to us.",
                hint="Give the control_totals themselves, or pack them with the file.",
            )
        kept, totals = without_trailer(given, payload, folder)
        compare_bytes(totals, src, payload, kept)
        return kept, replace(self, totals=totals)

    def gates(self) -> tuple[Gate, ...]:
        """Return the gates, to stand behind one that gives batches the contract's shape."""
        gates: list[Gate] = []
        if self.totals is not None:
            gates.append(TotalsGate(self.totals))
        if self.rules:
            gates.append(RulesGate(self.rules, self.references, self.now, self.before, self.loaded))
        gates.append(LimitsGate(self.limits))
        if self.profile is not None:
            gates.append(self.profile)
        if self.lineage.columns:
            gates.append(LineageGate(self.lineage, self.source_rows))
        return tuple(gates)

    def told(self, path: Path) -> list[dict[str, Any]]:
        """Return the profile of the file that was written; empty where none is wanted."""
        return self.profile.told(path) if self.profile is not None else []


def _limits(contract: Mapping[str, Any]) -> RejectLimits:
    """Return a contract's limits; where there is no contract but rules alone, any number of rows may be set aside."""
    if "columns" not in contract and contract.get("reject_limits") is None:
        return NO_LIMITS
    return RejectLimits.from_dict(contract.get("reject_limits"), contract.get("preset", DEFAULT))
