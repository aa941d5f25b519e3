"""Options of a backend from plain data, checked against its dataclass of options. Knows types, no engine."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from syncse_local.errors import ExitCode, SyncseError

Options = TypeVar("Options")
_WANTED = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def read_options(kind: type[Options], backend: str, given: Mapping[str, Any]) -> Options:
    """`kind` filled from `given`; text is converted where a number or a switch is expected.

    Raises SyncseError (USAGE) for a name that the backend does not have and for a value of the wrong type.
    """
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(given) - known):
        raise SyncseError(
            "Unknown backend option",
            f"{backend} has no option {', '.join(unknown)}.",
            f"Its options are: {', '.join(sorted(known))}.",
            ExitCode.USAGE,
        )
    hints = get_type_hints(kind)
    return kind(**{name: _convert(backend, name, value, hints[name]) for name, value in given.items()})


def _convert(backend: str, name: str, value: Any, kind: Any) -> Any:
    if get_origin(kind) is Literal:
        fits, wanted = value in get_args(kind), f"one of {', '.join(get_args(kind))}"
    elif get_origin(kind) is tuple:
        parts = value.split(",") if isinstance(value, str) else value
        fits = isinstance(parts, (list, tuple)) and all(isinstance(part, str) for part in parts)
        value, wanted = tuple(dict.fromkeys(filter(None, map(str.strip, parts)))) if fits else value, "texts"
    elif kind is Mapping or get_origin(kind) is Mapping:
        value = _table(value) if isinstance(value, str) else value
        fits, wanted = isinstance(value, Mapping), 'a table, such as {"name": true}'
    else:
        value = _read(value, kind) if isinstance(value, str) else value
        value = float(value) if kind is float and type(value) is int else value
        fits, wanted = type(value) is kind, _WANTED[kind]
    if not fits:
        raise SyncseError("Bad backend option", f"{backend}: {name} = {value!r}.", f"Give {wanted}.", ExitCode.USAGE)
    return value


def _table(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _read(text: str, kind: Any) -> Any:
    if kind is bool:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower(), text)
    try:
        return kind(text)
    except ValueError:
        return text
