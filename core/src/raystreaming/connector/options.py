"""Options of connectors: a frozen dataclass whose fields are declared with `option`.

All problems are reported at once, near names are suggested and secrets are never shown.
"""

from __future__ import annotations

import builtins
import dataclasses
import functools
import os
import sys
import types
import typing
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, Union

from raystreaming.errors import OptionError, nearest, short_repr

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
elif sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[Any], Any]:  # noqa: D103
        return lambda cls: cls


T = TypeVar("T")
_MISSING: Any = dataclasses.MISSING


class Secret(str):
    """A string that does not show: its ``repr`` and ``str`` formatting are ``***``.

    Use `reveal` where the value itself is needed.
    """

    __slots__ = ()

    def __new__(cls, value: str = "") -> Secret:
        """Take the value, also out of another secret."""
        return super().__new__(cls, str.__str__(value))

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def reveal(self) -> str:
        """Return the value."""
        return str.__str__(self)


def option(
    *,
    doc: str,
    default: Any = _MISSING,
    default_factory: Callable[[], Any] = _MISSING,
    check: Callable[[Any], str | None] | None = None,
    secret: bool = False,
    deprecated: str | None = None,
    kw_only: bool = True,
) -> Any:
    """Declare one option of a connector.

    Args:
        doc: One sentence for the option tables.
        default: Value if not given; without one (and without a factory) the option is required.
        default_factory: Makes the value if not given, for lists and mappings.
        check: Returns what is wrong with a value of the right type, or None.
        secret: The value is never shown.
        deprecated: What to write instead; whoever gives the option is warned.
        kw_only: False lets the option be given by position (for the one obvious argument).
    """
    return dataclasses.field(
        default=default,
        default_factory=default_factory,
        repr=not secret,
        kw_only=kw_only,
        metadata={"doc": doc, "check": check, "secret": secret, "deprecated": deprecated},
    )


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(option,))
class Options:
    """Base of everything configured by options; subclasses become frozen dataclasses.

    Example:
        >>> from raystreaming.connector import Options, option
        >>> class Greeting(Options):
        ...     name: str = option(doc="Who to greet.")
        ...     times: int = option(default=1, doc="How often.")
        >>> Greeting(name=1)
        Traceback (most recent call last):
            ...
        raystreaming.errors.OptionError: Greeting: option 'name' must be str, got 1 (int)
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)
        cls.__init__ = _checked_init(cls.__init__)  # type: ignore[method-assign]

    def validate(self) -> Iterable[str]:
        """Yield what is wrong between options (each option alone is right by then)."""
        return ()

    @classmethod
    def to_schema(cls) -> dict[str, Any]:
        """Return the options as JSON Schema, secrets as ``writeOnly`` and without their defaults.

        Example:
            >>> from raystreaming.connector import Options, option
            >>> class Greeting(Options):
            ...     name: str = option(doc="Who to greet.")
            >>> Greeting.to_schema()["properties"]
            {'name': {'type': 'string', 'description': 'Who to greet.'}}
        """
        from raystreaming.connector.option_schema import schema_of  # tools ask, jobs do not

        this: Any = cls
        return schema_of(cls.__name__, dataclasses.fields(this), hints_of(this))


def _checked_init(plain: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(plain)
    def __init__(self: Options, *args: Any, **kwargs: Any) -> None:
        cls: Any = type(self)
        fields = [f for f in dataclasses.fields(self) if f.init]
        positional = [f.name for f in fields if not f.kw_only]
        problems: list[str] = []
        given = dict(zip(positional, args, strict=False))
        if len(args) > len(positional):
            problems.append(f"takes {len(positional)} positional options, got {len(args)}")
        for name in given.keys() & kwargs.keys():
            problems.append(f"option {name!r} given twice")
        given |= kwargs
        names = [f.name for f in fields]
        for name in given:
            if name not in names:
                problems.append(f"unknown option {name!r}{nearest(name, names)}")
        hints = hints_of(cls)
        for f in fields:
            if f.name in given:
                problems.extend(_wrong(f, hints.get(f.name, Any), given[f.name]))
            elif f.default is _MISSING and f.default_factory is _MISSING:
                problems.append(f"missing option {f.name!r}")
            if f.name in given and (instead := f.metadata.get("deprecated")):
                text = f"{cls.__name__}: option {f.name!r} is deprecated: {instead}"
                warnings.warn(text, DeprecationWarning, stacklevel=2)
        if not problems:
            plain(self, **given)
            problems.extend(self.validate())
        if problems:
            raise OptionError(cls.__name__, problems)

    return __init__


@functools.cache
def hints_of(cls: Any) -> dict[str, Any]:
    """Return the type of each option of a class."""
    try:
        return typing.get_type_hints(cls)
    except NameError:  # a name that only type checkers import, or a local one: its options take anything
        return typing.get_type_hints(cls, localns=_Lenient(cls))


class _Lenient(dict[str, Any]):
    """Knows every name that the modules of a class do not know."""

    def __init__(self, cls: type) -> None:
        self._known = [builtins, *(sys.modules[base.__module__] for base in cls.__mro__)]

    def __missing__(self, name: str) -> Any:
        if any(hasattr(module, name) for module in self._known):
            raise KeyError(name)
        return _Unknown()


class _Unknown:
    """A type, or a module of types, that is not known."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __or__(self, other: Any) -> Any:
        return Any

    __ror__ = __getitem__ = __call__ = __or__


def _wrong(f: dataclasses.Field[Any], hint: Any, value: Any) -> Iterable[str]:
    if not _fits(value, hint):
        got = f"got {_shown(f, hint, value)} ({type(value).__name__})"
        near = nearest(value, _words(hint)) if isinstance(value, str) and "***" not in got else ""
        yield f"option {f.name!r} must be {type_name(hint)}, {got}{near}"
        return
    check = f.metadata.get("check")
    if check and value is not None and (problem := check(value)):
        yield f"option {f.name!r} {problem}, got {_shown(f, hint, value)}"


def _words(hint: Any) -> list[str]:
    """Return the words that may stand where `hint` is declared."""
    if typing.get_origin(hint) is Literal:
        return [word for word in typing.get_args(hint) if isinstance(word, str)]
    return [word for part in typing.get_args(hint) for word in _words(part)]


def _holds_secret(hint: Any) -> bool:
    return hint is Secret or any(map(_holds_secret, typing.get_args(hint)))


def _shown(f: dataclasses.Field[Any], hint: Any, value: Any) -> str:
    secret = f.metadata.get("secret") or isinstance(value, Secret) or _holds_secret(hint)
    return "***" if secret else short_repr(value, 80)


def _fits(value: Any, hint: Any) -> bool:
    """Return whether `value` may stand where `hint` is declared; unknown kinds of hint fit."""
    if hint is Any or isinstance(hint, TypeVar):
        return True
    origin = typing.get_origin(hint)
    args = typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, a) for a in args)
    if origin is Literal:
        return any(value == a and type(value) is type(a) for a in args)
    if hint is None or hint is type(None):
        return value is None
    if origin in (list, Sequence, Iterable) or hint in (list, Sequence, Iterable):
        if isinstance(value, str | bytes) or not isinstance(value, Sequence):
            return origin in (Iterable,) and isinstance(value, Iterable) and not isinstance(value, str)
        if not args or args[0] is Any or origin is Iterable:
            return True
        return all(_fits(v, args[0]) for v in value)
    if origin in (dict, Mapping):
        return isinstance(value, Mapping) and all(
            _fits(k, args[0]) and _fits(v, args[1]) for k, v in value.items()
        )
    if origin is not None:
        return isinstance(value, origin) if isinstance(origin, type) else True
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is os.PathLike:
        return isinstance(value, os.PathLike)
    return isinstance(value, hint) if isinstance(hint, type) else True


def type_name(hint: Any) -> str:
    """Return a type as messages and tables show it."""
    origin = typing.get_origin(hint)
    args = typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(a) for a in args)
    if origin is Literal:
        return " or ".join(repr(a) for a in args)
    if hint is type(None):
        return "None"
    if origin is Callable:
        return "function"
    if args:
        return f"{getattr(origin, '__name__', origin)}[{', '.join(type_name(a) for a in args)}]"
    return getattr(hint, "__name__", str(hint))
