"""A field of a spec, declared once: type, default, bounds or choices, unit, help, and how a command line writes it.

Parsers, forms and the option tables of the docs are made from fields. Knows no spec, no front end and no file.
"""

import dataclasses
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from syncse_local.errors import ExitCode, SyncseError

HERE = "field"
"""The key of a dataclass field's metadata that holds what `option` was told."""


@dataclass(frozen=True, slots=True)
class Field:
    """What is known of one field.

    `several`: a tuple of `kind`. `optional`: None is allowed, and means that something else decides. Bounds are numbers'.
    `names` says what its text names, for completion: path, run, model, encoder, recipe, task. `key` is its place in a
    run's options, dotted where they nest; empty where preparation folds the field into others. `setting` is the key
    of the settings that supplies a value where none is given. `flags` are its names on a command line, the newest first;
    none for a `positional` one and for what preparation settles. `bare` is what the flag means without a value;
    `extra` names the field that a word after this switch goes to. `repeated`: the flag is written once for each value.
    `instead_of` names a field that cannot be given beside this one. `group` is the heading in help and tables.
    """

    name: str
    kind: type
    default: Any
    help: str
    several: bool = False
    optional: bool = False
    at_least: float = -math.inf
    above: float = -math.inf
    at_most: float = math.inf
    below: float = math.inf
    choices: tuple[str, ...] = ()
    unit: str = ""
    names: str = ""
    changes_result: bool = True
    key: str = ""
    setting: str = ""
    flags: tuple[str, ...] = ()
    positional: bool = False
    required: bool = False
    bare: Any = None
    extra: str = ""
    repeated: bool = False
    instead_of: str = ""
    metavar: str = ""
    group: str = ""

    @property
    def asked(self) -> bool:
        """Whether a person may give it: on a command line, in a form, as a keyword."""
        return self.positional or bool(self.flags)

    @property
    def label(self) -> str:
        """Its name in words."""
        return self.name.replace("_", " ")

    @property
    def default_shown(self) -> str:
        """The default as a person writes it; empty where there is none, and for switches and lists."""
        if self.kind is bool or self.default in (None, "", ()):
            return ""
        return f"{self.default:g}" if self.kind in (int, float) else str(self.default)

    @property
    def wanted(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        limits = [f"{word} {value:g}" for word, value in self._bounds() if math.isfinite(value)]
        if self.kind is int:
            return " and ".join(["a whole number" + (f" of {limits[0]}" if limits else ""), *limits[1:]])
        if self.kind is float:
            return " and ".join(["a finite number", *limits])
        return {bool: "true or false", dict: "a table of names and values"}.get(self.kind, "text")

    def _bounds(self) -> tuple[tuple[str, float], ...]:
        return (
            ("above", self.above),
            ("at least", self.at_least),
            ("at most", self.at_most),
            ("below", self.below),
        )

    def checked(self, value: Any, title: str) -> Any:
        """The value as the spec keeps it: paths as text, lists as tuples. Raises SyncseError (USAGE) for a bad one."""
        if value is None and self.optional:
            return None
        if self.several:
            parts = (value,) if isinstance(value, str | os.PathLike) else value
            if not isinstance(parts, list | tuple):
                raise self.refused(value, title)
            return tuple(self._one(part, title) for part in parts)
        return self._one(value, title)

    def _one(self, value: Any, title: str) -> Any:
        value = os.fspath(value) if self.kind is str and isinstance(value, os.PathLike) else value
        if not self._fits(value):
            raise self.refused(value, title)
        return value

    def _fits(self, value: Any) -> bool:
        if self.kind is dict:
            return isinstance(value, Mapping)
        if self.kind not in (int, float):
            return isinstance(value, self.kind) and (not self.choices or value in self.choices)
        if isinstance(value, bool) or not isinstance(value, int if self.kind is int else (int, float)):
            return False
        low, high = self.above < value and value >= self.at_least, value < self.below and value <= self.at_most
        return math.isfinite(value) and low and high

    def refused(self, value: object, title: str, wanted: str = "") -> SyncseError:
        """The error for a bad value: the field, the value, what it must be, the next step."""
        detail = f"`{self.name}` is {value!r}, but must be {wanted or self.wanted}."
        return SyncseError(title, detail, f"Change `{self.name}` and start again.", ExitCode.USAGE)


def option(
    default: Any,
    help: str,
    *,
    flag: str | None = "",
    aliases: tuple[str, ...] = (),
    key: str | None = "",
    table: str = "",
    **more: Any,
) -> Any:
    """A dataclass field of a spec; `more` are fields of `Field`.

    `flag` and `key` follow from the name where they are empty, the key within `table`; None means that there is none.
    """
    about = {"help": help, "flag": flag, "aliases": aliases, "key": key, "table": table, **more}
    return dataclasses.field(default=default, kw_only=True, metadata={HERE: about})


def settled(default: Any, help: str, **more: Any) -> Any:
    """A field that preparation fills in: no person gives it."""
    return option(default, help, flag=None, **more)


def as_in(spec: type, name: str, **changes: Any) -> Any:
    """The field that another spec has under this name, with `changes`, of which `default` may be one."""
    declared = spec.__dataclass_fields__[name]  # type: ignore[attr-defined]
    default = changes.pop("default", declared.default)
    return dataclasses.field(default=default, kw_only=True, metadata={HERE: {**declared.metadata[HERE], **changes}})


def made(declared: "dataclasses.Field[Any]", hint: Any) -> Field:
    """The field that a dataclass field declares, its shape read from its type."""
    about = dict(declared.metadata[HERE])
    kind, several, optional = _shape(hint)
    flag, aliases, key, table = (about.pop(name) for name in ("flag", "aliases", "key", "table"))
    if flag is not None and not about.get("positional"):
        about["flags"] = (flag or f"--{declared.name.replace('_', '-')}", *aliases)
    about["key"] = "" if key is None else key or f"{table}.{declared.name}".lstrip(".")
    return Field(declared.name, kind, declared.default, several=several, optional=optional, **about)


def _shape(hint: Any) -> tuple[type, bool, bool]:
    """The type of one value, whether there are several, whether None is allowed."""
    optional = isinstance(hint, UnionType)
    if optional:
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    several = get_origin(hint) is tuple
    one = get_args(hint)[0] if several else hint
    return (dict if get_origin(one) is Mapping else one), several, optional
