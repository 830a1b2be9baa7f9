"""Arrow's functions on columns under the names of ``pyarrow.compute``, each made when it is first called for.

``pyarrow.compute`` makes three hundred of them at import, with signatures and documentation, which takes longer than a
small file's whole conversion. Here a name is looked up in the same registry of Arrow, and called in the same way. What
``pyarrow.compute`` writes in Python is taken from there, but for ``cast`` and ``fill_null``, which every file needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import _compute

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMES = {"and_": "and", "or_": "or"}  # words of Python's
_IN_PYTHON = ("index", "fill_null")


def cast(cells: pa.Array, target: pa.DataType, *, safe: bool = True) -> pa.Array:
    """Cast a column; raises ``pyarrow.ArrowInvalid`` where a value would change, unless that is not ``safe``."""
    options = _compute.CastOptions.safe(target) if safe else _compute.CastOptions.unsafe(target)
    return _compute.call_function("cast", [cells], options)


def fill_null(cells: pa.Array, value: object) -> pa.Array:
    """Put a value in the place of nulls."""
    if isinstance(value, pa.Scalar | pa.Array) and value.type == cells.type:
        return _compute.call_function("coalesce", [cells, value])
    import pyarrow.compute as pc

    return pc.fill_null(cells, value)


def __getattr__(name: str) -> Callable[..., Any]:
    """Return a function of Arrow's registry, kept for the next time; or else what ``pyarrow.compute`` has."""
    try:
        made = None if name in _IN_PYTHON else _function(_compute.get_function(_NAMES.get(name, name)))
    except KeyError:
        made = None
    if made is None:
        import pyarrow.compute as pc

        made = getattr(pc, name)
    globals()[name] = made
    return made


def _function(function: Any) -> Callable[..., Any]:
    """Return a function whose arguments beyond the columns, and those by name, are its options."""
    count = None if function.arity is Ellipsis else function.arity
    kind = getattr(_compute, function._doc.options_class or "", None)  # noqa: SLF001  (nothing public tells it)

    def call(*given: Any, **named: Any) -> Any:
        columns, more = given[:count], given[count:] if count is not None else ()
        options = kind(*more, **named) if kind is not None and (more or named) else None
        if options is None and (more or named):
            raise TypeError(f"{function.name} takes no such arguments: {more}, {named}")
        return function.call(columns, options, None)

    return call
