"""A spec as the flags of a command line, and back. Knows fields; no choice, default or help stands here."""

import argparse
from collections.abc import Collection
from typing import Any, TypeVar

from syncse_local.prepare.engine import pairs
from syncse_local.prepare.filter import assignments
from syncse_local.specs.field import Field
from syncse_local.specs.spec import Spec
from syncse_local.specs.train import nothing_to_train_on

Given = TypeVar("Given", bound=Spec)
_READ = {"backend_options": pairs, "thresholds": assignments}
"""How repeated `NAME=VALUE` words of a field are read."""
_NUMBERS = (int, float)


def add_fields(
    made: argparse.ArgumentParser,
    spec: type[Spec],
    hidden: Collection[str] = (),
    checked_late: Collection[str] = (),
) -> None:
    """A flag or a positional for each field that a person may give, those of a group under its heading.

    `hidden` fields work and are not listed. The choices of `checked_late` are refused by the spec, not while parsing.
    """
    groups: dict[str, Any] = {"": made}
    rivals: dict[str, Any] = {}
    excluded = {field.instead_of for field in spec.fields()}
    for field in spec.fields():
        if not field.asked:
            continue
        if field.group not in groups:
            groups[field.group] = made.add_argument_group(field.group)
        place = groups[field.group]
        if field.name in excluded:
            place = rivals[field.name] = place.add_mutually_exclusive_group()
        elif field.instead_of in rivals:
            place = rivals[field.instead_of]
        about = _about(field, late=bool(field.setting) or field.name in checked_late)
        about["help"] = argparse.SUPPRESS if field.name in hidden or field.group in hidden else _help(field)
        place.add_argument(*([field.name] if field.positional else field.flags), **about)


def _about(field: Field, late: bool) -> dict[str, Any]:
    about: dict[str, Any] = {} if field.positional else {"dest": field.name}
    if field.metavar or field.kind in _NUMBERS:
        about["metavar"] = field.metavar or "N"
    if field.extra:
        return {**about, "nargs": "?", "const": "", "metavar": field.metavar or "FILE"}
    if field.kind is bool:
        return {"dest": field.name, "action": "store_const", "const": not field.default}
    if field.choices and not late:
        about["choices"] = tuple(filter(None, field.choices))
    if field.kind in _NUMBERS:
        about["type"] = field.kind
    if field.repeated:
        about["action"] = "append"
    elif field.several:
        about["nargs"] = "*" if field.optional else "+"
    elif field.positional and (field.setting or not field.required):
        about["nargs"] = "?"
    elif field.bare is not None:
        about |= {"nargs": "?", "const": field.bare}
    return about


def _help(field: Field) -> str:
    default = f" (default: {field.default_shown})" if field.default and field.default_shown else ""
    choices = "" if not field.choices or "choices" in default else f"; one of {', '.join(filter(None, field.choices))}"
    return (field.help + choices + default).replace("%", "%%")


def spec_of(options: argparse.Namespace, spec: type[Given]) -> Given:
    """The spec with what the command line gave. Raises SyncseError (USAGE)."""
    given: dict[str, Any] = {}
    for field in spec.fields():
        value = getattr(options, field.name, None)
        if not field.asked or value is None:
            continue
        if field.extra:
            given[field.name] = True
            if value and getattr(options, field.extra, None):
                raise nothing_to_train_on()
            given |= {field.extra: value} if value else {}
        elif field.repeated and not field.several:
            given[field.name] = _READ[field.name](value)
        else:
            given[field.name] = tuple(value) if field.several else value
    return spec.asked(**given)
