"""The contract of each dataset: its present version, its history, and the one way in which a new version comes to be.

A version is written once, together with the dataset's record, on the condition that nobody else was quicker. It is
written before what it allows is published, so that two jobs that evolve a dataset at the same moment end in one
contract: the second finds its own outdated, and reads its file again towards the other's.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pynamodb.exceptions import DoesNotExist

from ingestion import datasets
from ingestion.errors import ContractConflict, ContractFixed, ContractMissing
from ingestion.models import ContractVersion, Dataset
from ingestion.moves import now, transact
from ingestion.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pynamodb.expressions.update import Action
    from pynamodb.transactions import TransactWrite

    from ingestion.conversion.contract.changes import Change
    from ingestion.conversion.contract.model import Contract, ContractColumn
    from ingestion.moves import Also

MOST_CHANGES = 50
_FREE = ("preset", "policies", "rules", "reject_limits", "lineage")  # what a person may change at any time


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a contract: its JSON, and how it came to be."""

    version: int
    body: dict[str, Any]
    changes: Sequence[str]
    changed_by: str
    changed_at: Any
    job_id: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """The contract that a load begins with; ``version`` is the dataset's, None where there is no dataset yet.

    A dataset of the time before contracts has a version and no contract: then ``contract`` is made from its columns.
    ``is_settled`` says that all its objects have the contract's types.
    """

    contract: Contract
    version: int | None
    is_kept: bool
    is_settled: bool


# ---- reading -------------------------------------------------------------------------------------


def get(dataset: str) -> Version:
    """Return the present version; raises ``ContractMissing``."""
    record = datasets.get(dataset)
    found = _version(dataset, int(record.schema_version)) if record else None
    if found is None:
        raise ContractMissing(
            f"The dataset {dataset} has no contract.", hint="It gets one with its next load, or from an Admin."
        )
    return found


def versions(dataset: str, limit: int = 100) -> list[Version]:
    """Return the versions, the newest first."""
    found = ContractVersion.query(dataset, scan_index_forward=False, limit=limit)
    return [_told(one) for one in found]


def known(dataset: str) -> Known:
    """Return what a load of the dataset is held against."""
    from ingestion.conversion.contract.model import NEW, Contract

    try:
        record = Dataset.get(datasets.FEED, dataset, consistent_read=True)
    except DoesNotExist:
        return Known(NEW, None, is_kept=False, is_settled=True)
    version = int(record.schema_version)
    found = _version(dataset, version)
    if found is None:
        return Known(_from_columns(record.columns, version), version, is_kept=False, is_settled=False)
    is_settled = int(record.settled_version or 0) == version
    return Known(Contract.from_dict(found.body), version, is_kept=True, is_settled=is_settled)


def _version(dataset: str, version: int) -> Version | None:
    try:
        return _told(ContractVersion.get(dataset, version, consistent_read=True))
    except DoesNotExist:
        return None


def _told(found: ContractVersion) -> Version:
    return Version(
        version=int(found.version),
        body=json.loads(zlib.decompress(found.body)),
        changes=tuple(found.changes),
        changed_by=found.changed_by,
        changed_at=found.changed_at,
        job_id=found.job_id,
    )


def _from_columns(columns: Sequence[Mapping[str, str]], version: int) -> Contract:
    """Make a contract for a dataset that is older than contracts; what its record cannot tell is left to the file."""
    from ingestion.conversion.contract.kinds import kind_of, roomy
    from ingestion.conversion.contract.model import Contract, ContractColumn
    from ingestion.conversion.errors import ContractInvalid

    agreed = []
    for column in columns:
        try:
            agreed.append(ContractColumn(column["name"], roomy(kind_of(column["type"]))))
        except ContractInvalid:  # a type with an inside is kept as text there
            continue
    return Contract(tuple(agreed), version=version)


# ---- writing -------------------------------------------------------------------------------------


def agree(job_id: str, dataset: str, before: Known, after: Contract, changes: Sequence[Change]) -> bool:
    """Make the version that a file needs the dataset's; False when the dataset has another one by now."""
    told = [change.message for change in changes if change.kind != "narrowed"]
    if before.is_kept and after.version == before.version:
        return is_current(dataset, after.version)
    return _write(dataset, before, after, changes=told, job_id=job_id)


def is_current(dataset: str, version: int) -> bool:
    """Tell whether a version is still the dataset's."""
    return int(Dataset.get(datasets.FEED, dataset, consistent_read=True).schema_version) == version


def approve(
    job_id: str, dataset: str, version: int, changes: Sequence[Mapping[str, Any]], *, by: str, also: Also
) -> bool:
    """Make the version to which a person agreed, together with ``also``; False when there is a newer one by now."""
    from ingestion.conversion.contract.changes import Change, evolved

    before = known(dataset)
    made = [Change.from_dict(dict(change)) for change in changes]
    if before.version != version:
        return False
    after = evolved(before.contract, made)
    if after.version == before.version:  # they change nothing that is kept
        after = _next(after)
    told = [change.message for change in made if change.kind != "narrowed"]
    return _write(dataset, before, after, changes=told, job_id=job_id, by=by, also=also)


def change(dataset: str, told: Any, *, by: str, also: Also | None = None) -> Version:
    """Make a version that a person wrote; ``told`` is its JSON, with the version that it replaces.

    Raises ``ContractConflict`` when there is a newer one, ``ContractFixed`` where loads forbid it, and
    ``ContractInvalid``.
    """
    from dataclasses import replace

    from ingestion.conversion.contract.model import Contract
    from ingestion.conversion.errors import ContractInvalid

    if not isinstance(told, dict):
        raise ContractInvalid("The contract is no JSON object.", hint='Write {"columns": [...]}.')
    before = known(dataset)
    expected = told.get("version")
    if before.version is not None and expected != before.version:
        raise ContractConflict(
            f"The contract of {dataset} is at version {before.version}, not {expected}.",
            hint="Reload it, make the change there, and send it with that version.",
        )
    base = before.contract.as_dict()
    kept = {} if "preset" in told else {name: base[name] for name in ("preset", "policies", "reject_limits")}
    whole = {"columns": base["columns"], "rules": base["rules"], "lineage": base["lineage"], **kept, **told}
    after = Contract.from_dict(whole | {"version": max(1, before.version or 1)})
    after.refuse_same_spelling(but=before.contract)
    if before.version is not None:
        _refuse_what_loads_forbid(dataset, before.contract, after)
        if after == before.contract and before.is_kept:
            return get(dataset)
        after = replace(after, version=before.version + 1)
    words = _what_changed(before.contract, after) if before.version is not None else ["An Admin wrote it."]
    if not _write(dataset, before, after, changes=words, by=by, also=also):
        raise ContractConflict(f"Somebody has changed the contract of {dataset} meanwhile.", hint="Reload it.")
    return get(dataset)


def _write(
    dataset: str,
    before: Known,
    after: Contract,
    *,
    changes: Sequence[str],
    job_id: str | None = None,
    by: str = "",
    also: Also | None = None,
) -> bool:
    """Write a version and let the dataset's record point to it; False when somebody was quicker."""
    item = ContractVersion(
        dataset,
        after.version,
        body=zlib.compress(json.dumps(after.as_dict(), ensure_ascii=False).encode()),
        changes=list(changes)[:MOST_CHANGES],
        job_id=job_id,
        changed_by=by,
        changed_at=now(),
    )
    actions: list[Action] = [Dataset.schema_version.set(after.version)]
    if before.is_settled and not _retypes(before.contract, after):
        actions.append(Dataset.settled_version.set(after.version))
    if before.version is None:
        actions.append(Dataset.columns.set(shape(after)))
    as_known = Dataset.name.does_not_exist() if before.version is None else Dataset.schema_version == before.version

    def write(transaction: TransactWrite) -> None:
        transaction.save(item, condition=ContractVersion.version.does_not_exist())
        transaction.update(Dataset(datasets.FEED, dataset), actions=actions, condition=as_known)
        if also:
            also(transaction)

    return transact(write)


def _retypes(before: Contract, after: Contract) -> bool:
    """Tell whether a column that was there before has another type now, so that earlier objects are to be changed."""
    kinds = {column.name: column.kind for column in after.columns}
    return any(kinds.get(column.name, column.kind) != column.kind for column in before.columns)


def shape(contract: Contract) -> list[dict[str, str]]:
    """Return names and types of a contract's columns, as the dataset's record shows them."""
    return [{"name": column.name, "type": str(column.kind)} for column in contract.columns]


def _next(contract: Contract) -> Contract:
    from dataclasses import replace

    return replace(contract, version=contract.version + 1)


# ---- what a person may change ----------------------------------------------------------------------


def _refuse_what_loads_forbid(dataset: str, before: Contract, after: Contract) -> None:
    """Refuse to take columns away, and other types, where there are loads: types follow what files bring.

    A column may be added where it may be empty, as it is in all rows there are.
    """
    import pyarrow as pa

    old = {column.name: column for column in before.columns}
    new = {column.name: column for column in after.columns}
    hint = "Columns and types follow the files that come; load one with them, and approve its change."
    for name in old.keys() - new.keys():
        raise ContractFixed(f'{dataset} has loads already, and this takes away column "{name}".', hint=hint)
    for name in new.keys() - old.keys():
        if not new[name].nullable:
            raise ContractFixed(
                f'{dataset} has loads already, in which the new column "{name}" is empty, and it may not be.',
                hint="Let it be empty (nullable), or load a file with it.",
            )
    for name, column in old.items():
        if not pa.types.is_null(column.kind) and new[name].kind != column.kind:
            raise ContractFixed(
                f'{dataset} has loads already, in which column "{name}" is {column.kind}, not {new[name].kind}.',
                hint=hint,
            )


def _what_changed(before: Contract, after: Contract) -> list[str]:
    """Return a sentence for each thing that a person changed."""
    told = []
    if before.preset != after.preset:
        told.append(f"The preset is {after.preset} in place of {before.preset}.")
    for kind, policy in after.policies.items():
        if before.policies[kind] != policy:
            told.append(f"The policy for {kind} is {policy} in place of {before.policies[kind]}.")
    if before.rules != after.rules:
        told.append(f"The rules were changed: {counted(len(before.rules), 'rule')} before, {len(after.rules):,} now.")
    for name in ("reject_limits", "lineage"):
        old, new = before.as_dict()[name], after.as_dict()[name]
        if old != new:
            told.append(f"{name} is {json.dumps(new)} in place of {json.dumps(old)}.")
    columns = {column.name: column for column in before.columns}
    for one in after.columns:
        if one.name not in columns:
            told.append(f'Column "{one.name}" was added: {one.kind}.')
        elif columns[one.name] != one:
            told.append(f'Column "{one.name}" was changed: {_how(columns[one.name], one)}.')
    left = {column.name for column in after.columns}
    told += [f'Column "{name}" was taken away.' for name in columns if name not in left]
    if [name for name in columns if name in left] != [one.name for one in after.columns if one.name in columns]:
        told.append("The columns have another order.")
    return told or ["It was written down as it is."]


def _how(before: ContractColumn, after: ContractColumn) -> str:
    """Say what a person changed of a column."""
    told = []
    if before.key != after.key:
        told.append("it is a key" if after.key else "it is no key")
    if before.nullable != after.nullable:
        told.append("it may be empty" if after.nullable else "it may not be empty")
    if before.aliases != after.aliases:
        told.append("files may also call it " + (", ".join(after.aliases) or "by no other name"))
    return "; ".join(told) or "its type or its rule"
