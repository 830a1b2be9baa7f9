"""Classes of named values, as ``dataclasses`` makes them, without its price when a program starts.

A data class has source code written and compiled for its methods, half a millisecond a class; a conversion meets some
forty of them before it reads its first byte. What is made here shares plain functions.
``dataclasses.fields``, ``asdict`` and ``replace`` take it for one of theirs when somebody calls them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class _Made:
    """The default of a field of which each value gets its own."""

    __slots__ = ("default_factory",)

    def __init__(self, default_factory: Callable[[], object]) -> None:
        self.default_factory = default_factory


def field(*, default_factory: Callable[[], T]) -> T:
    """Return the default of a field of which each value gets its own, such as an empty list."""
    made: Any = _Made(default_factory)
    return made


@dataclass_transform(field_specifiers=(field,))
def slotted(*, frozen: bool = False, kw_only: bool = False, eq: bool = True) -> Callable[[type[T]], type[T]]:
    """Make a class with a slot for each field that its body annotates; it has no fields from a base.

    ``frozen``: its values never change, and equal ones have one hash. ``kw_only``: its fields are given by name.
    """

    def decorate(cls: type[T]) -> type[T]:
        body = {name: value for name, value in vars(cls).items() if name not in {"__dict__", "__weakref__"}}
        names = tuple(name for name, kind in body["__annotations__"].items() if not kind.startswith("ClassVar"))
        defaults = {name: body.pop(name) for name in names if name in body}
        body |= {"__slots__": names, "__match_args__": () if kw_only else names}
        body |= {"__dataclass_fields__": _Fields(names, defaults), "__getstate__": _state, "__setstate__": _restore}
        body.setdefault("__repr__", _shown)
        if eq:
            body |= {"__eq__": _equal, "__hash__": _hash if frozen else None}
        if frozen:
            body |= {"__setattr__": _refuse, "__delattr__": _refuse}
        made: Any = type(cls)(cls.__name__, cls.__bases__, body)  # type: ignore[misc]
        made.__init__ = _beginning(made, names, defaults, kw_only=kw_only)
        return made

    return decorate


def named(value: object) -> dict[str, Any]:
    """Return a value's fields by name."""
    return {name: getattr(value, name) for name in type(value).__slots__}  # type: ignore[attr-defined]


def replace(value: T, **changes: Any) -> T:
    """Return a copy of a value with some of its fields changed."""
    return type(value)(**named(value) | changes)


def _beginning(cls: type, names: tuple[str, ...], defaults: dict[str, Any], *, kw_only: bool) -> Callable[..., None]:
    """Return a class's ``__init__``, which puts values into the slots past what keeps frozen ones from changing."""
    slots = [(name, vars(cls)[name].__set__) for name in names]
    puts = [put for _, put in slots]
    positional = 0 if kw_only else len(names)
    then = getattr(cls, "__post_init__", None)

    def begin(self: object, *args: object, **given: Any) -> None:
        if args and not given and len(args) == positional and then is None:
            # Rows and blocks are made so, of which there are many.
            for put, value in zip(puts, args, strict=True):
                put(self, value)
            return
        if len(args) > positional or (args and not given.keys().isdisjoint(names[: len(args)])):
            raise TypeError(f"{cls.__name__} takes no such arguments: {args}, {given}")
        values = defaults | dict(zip(names, args, strict=False)) | given
        if len(values) != len(names):
            raise TypeError(f"{cls.__name__} has the fields {names}, and was given {(*values,)}")
        try:
            for name, put in slots:
                value = values[name]
                put(self, value.default_factory() if type(value) is _Made else value)
        except KeyError as missing:
            raise TypeError(f"{cls.__name__} lacks the field {missing}") from None
        if then is not None:
            then(self)

    return begin


def _state(value: object) -> list[Any]:
    return list(named(value).values())


def _restore(value: object, state: list[Any]) -> None:
    for name, one in zip(type(value).__slots__, state, strict=True):  # type: ignore[attr-defined]
        object.__setattr__(value, name, one)


def _shown(value: object) -> str:
    fields = ", ".join(f"{name}={one!r}" for name, one in named(value).items())
    return f"{type(value).__qualname__}({fields})"


def _equal(value: object, other: object) -> Any:
    return named(value) == named(other) if type(value) is type(other) else NotImplemented


def _hash(value: object) -> int:
    return hash(tuple(_state(value)))


def _refuse(value: object, name: str, *_: object) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"{type(value).__name__}.{name} does not change")


class _Fields:
    """What ``dataclasses`` knows a class of its own by, made when it looks."""

    __slots__ = ("_defaults", "_names")

    def __init__(self, names: tuple[str, ...], defaults: dict[str, Any]) -> None:
        self._names, self._defaults = names, defaults

    def __get__(self, value: object, cls: type) -> dict[str, Any]:
        import dataclasses

        fields = []
        for name in self._names:
            default = self._defaults.get(name, dataclasses.MISSING)
            if isinstance(default, _Made):
                default = dataclasses.field(default_factory=default.default_factory)
            fields.append((name, Any, default) if default is not dataclasses.MISSING else (name, Any))
        plain = dataclasses.make_dataclass(cls.__name__, fields, kw_only=True)
        known = {one.name: one for one in dataclasses.fields(plain)}
        type.__setattr__(cls, "__dataclass_fields__", known)
        return known
