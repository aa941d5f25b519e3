"""What a spec and the settings say about an engine, as that engine's own options. Knows no engine by name."""

import dataclasses
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from syncse_local.config import TYPES, Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.registry import backend_spec
from syncse_local.specs.spec import Spec


def settled(spec: Spec, chosen: Settings) -> Settings:
    """The settings with what the spec was given in their place: for this run it has the last word."""
    given = {
        field.setting: getattr(spec, field.name)
        for field in spec.fields()
        if field.setting in TYPES and field.name in spec.given
    }
    return dataclasses.replace(chosen, **given)


def engine_options(chosen: Settings, given: dict[str, Any]) -> dict[str, Any]:
    """The options of the chosen engine as far as the settings decide them; what is `given` wins."""
    return {**backend_spec(chosen.backend).chosen(chosen), **given}


def pairs(given: Iterable[str]) -> dict[str, Any]:
    """`NAME=VALUE` texts as names and values. Raises SyncseError (USAGE)."""
    found: dict[str, Any] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise SyncseError(
                "Bad backend option",
                f"{pair!r} has no name and value.",
                "Write --backend-option NAME=VALUE.",
                ExitCode.USAGE,
            )
        found[name] = _plain(value)
    return found


def _plain(value: str) -> int | float | str:
    """A number where the text is one."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(value)
    return value
