"""What every spec can do: check itself, be read from a run's options and written back, say what is missing.

Knows fields; knows no kind of run.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, get_type_hints

from syncse_local.config import Settings, unknown_key
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.specs.field import HERE, Field, made

_ABSENT = object()
_FIELDS: dict[type, tuple[Field, ...]] = {}
"""The fields of each class, read once."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What one run is told. Raises SyncseError (USAGE) that names field, value, bound and next step.

    `given` are the fields that were named, be it at their default: they alone, and what differs from its default, are
    written into a run's options, as version 0.1.0 did, so that a run is found again by its options.
    """

    KIND: ClassVar[str] = ""
    TITLE: ClassVar[str] = "Bad option"
    given: frozenset[str] = dataclasses.field(default=frozenset(), repr=False, compare=False)

    def __post_init__(self) -> None:
        for field in self.fields():
            value = field.checked(getattr(self, field.name), self.TITLE)
            object.__setattr__(self, field.name, value)

    @classmethod
    def fields(cls) -> tuple[Field, ...]:
        """Its fields in order, those under a heading last."""
        if cls not in _FIELDS:
            hints = get_type_hints(cls)
            found = [made(each, hints[each.name]) for each in dataclasses.fields(cls) if HERE in each.metadata]
            _FIELDS[cls] = tuple(sorted(found, key=lambda field: bool(field.group)))
        return _FIELDS[cls]

    @classmethod
    def field(cls, name: str) -> Field:
        """The field of this name. Raises SyncseError (USAGE) with the nearest one where there is none."""
        found = {field.name: field for field in cls.fields()}
        if name not in found:
            raise unknown_key(name, list(found), f"A {cls.KIND} run")
        return found[name]

    @classmethod
    def asked(cls, **values: Any) -> Self:
        """The spec with these fields given. Raises SyncseError (USAGE) for an unknown or a bad one."""
        for name in values:
            cls.field(name)
        return cls(**values, given=frozenset(values))

    @classmethod
    def of(cls, options: Mapping[str, Any], strict: bool = False) -> Self:
        """The spec that a run's options are; `strict` refuses keys that are no field's."""
        found = {f.name: value for f in cls.fields() if f.key and (value := _at(options, f.key)) is not _ABSENT}
        if strict:
            known = [field.key for field in cls.fields() if field.key]
            if strange := next((key for key in _keys(options, known) if key not in known), None):
                raise unknown_key(strange, known, f"A {cls.KIND} run")
        return cls(**found, given=frozenset(found))

    def to_options(self) -> dict[str, Any]:
        """The options of a run, as plain data: what was given, and what is not at its default."""
        options: dict[str, Any] = {}
        for field in self.fields():
            value = getattr(self, field.name)
            if field.key and (field.name in self.given or value != field.default):
                *parents, last = field.key.split(".")
                inner = options
                for name in parents:
                    inner = inner.setdefault(name, {})
                inner[last] = list(value) if isinstance(value, tuple) else value
        return options

    def but(self, **changes: Any) -> Self:
        """The same with these fields given anew."""
        return dataclasses.replace(self, **changes, given=self.given | set(changes))

    def without(self, *names: str) -> Self:
        """The same with these fields not given."""
        defaults = {name: self.field(name).default for name in names}
        return dataclasses.replace(self, **defaults, given=self.given - set(names))

    def under(self, settings: Settings) -> Self:
        """The same with what was not given taken from the settings, where they may supply it; that is not `given`."""
        supplied = {
            field.name: getattr(settings, field.setting)
            for field in self.fields()
            if field.setting and field.name not in self.given
        }
        return dataclasses.replace(self, **supplied)

    def complete(self) -> None:
        """Raise SyncseError (USAGE) where a field that the run cannot do without is empty."""
        for field in self.fields():
            if field.required and getattr(self, field.name) in (None, "", (), {}):
                raise self.lacking(field.name)

    def lacking(self, name: str) -> SyncseError:
        """The error for a field that must be given."""
        field = self.field(name)
        detail = f"A {self.KIND} run needs `{name}`: {field.help}."
        return SyncseError("Something is missing", detail, f"Give `{name}` and start again.", ExitCode.USAGE)


def _at(options: Mapping[str, Any], key: str) -> Any:
    found: Any = options
    for name in key.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return _ABSENT
        found = found[name]
    return found


def _keys(options: Mapping[str, Any], known: list[str]) -> list[str]:
    """The dotted keys of options; a table that no dotted key goes into is one value."""
    tables = {key.partition(".")[0] for key in known if "." in key}
    found = list[str]()
    for name, value in options.items():
        nested = name in tables and isinstance(value, Mapping)
        found += [f"{name}.{inner}" for inner in value] if nested else [name]
    return found
