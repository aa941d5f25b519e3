"""Command line and option tables say what the specs' fields say: neither has a choice, a default or a bound of its own."""

import argparse
import ast
import inspect
import math
import re

import option_tables
import pytest

from syncse_local.cli.main import build
from syncse_local.specs.field import Field
from syncse_local.specs.kinds import COMMANDS, KINDS

SPECS = {**KINDS, **COMMANDS}
FIELDS = [(kind, field) for kind, spec in SPECS.items() for field in spec.fields()]
FIELD_IDS = [f"{kind}-{field.name}" for kind, field in FIELDS]
LISTED = [(kind, field) for kind, spec in SPECS.items() for field in option_tables.listed(spec)]


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of every verb."""
    (verbs,) = (action for action in build()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(verbs.choices)


PARSERS = parsers()


def said(help: str, field: Field) -> str:
    """What a flag's help adds to the field's own."""
    own = field.help.replace("%", "%%")
    assert help.startswith(own)
    return help.removeprefix(own)


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=FIELD_IDS)
def test_a_flag_says_what_its_field_says(kind: str, field: Field) -> None:
    actions = [action for action in PARSERS[kind]._actions if action.dest == field.name]
    if not field.asked:
        assert actions == []
        return
    (action,) = actions
    assert tuple(action.option_strings) == field.flags
    assert action.default is None, "what is not given is left to the spec"
    choices = tuple(filter(None, field.choices))
    assert action.choices in (None, choices)
    assert action.type in (None, field.kind)
    constants = {"extra": "", "bare": field.bare, "switch": not field.default, "none": None}
    how = "extra" if field.extra else "switch" if field.kind is bool else "bare" if field.bare is not None else "none"
    assert action.const == constants[how]
    assert action.help
    if action.help != argparse.SUPPRESS:
        match = re.fullmatch(r"(?:; one of (.*?))?(?: \(default: (.*)\))?", said(action.help, field))
        assert match
        assert match[1] in (None, ", ".join(choices))
        assert match[2] == (field.default_shown if field.default and field.default_shown else None)


@pytest.mark.parametrize("kind", SPECS)
def test_no_verb_adds_a_field_of_its_spec_by_hand(kind: str) -> None:
    taken = {name for field in SPECS[kind].fields() for name in (*field.flags, field.name, f"--{field.name}")}
    module = inspect.getmodule(PARSERS[kind].get_default("run_verb"))
    assert module
    calls = [
        node
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    written = [
        word.value
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument"
        for word in call.args
        if isinstance(word, ast.Constant)
    ]
    assert [word for word in written if word in taken] == []


@pytest.mark.parametrize(("kind", "field"), LISTED, ids=[f"{kind}-{field.name}" for kind, field in LISTED])
def test_a_row_of_the_table_says_what_its_field_says(kind: str, field: Field) -> None:
    name, value, default, setting, help = option_tables.row(field)
    assert help == field.help
    assert default == (f"`{field.default_shown}`" if field.default_shown else "")
    assert setting == (f"`{field.setting}`" if field.setting else "")
    assert name.endswith(" *") is not field.changes_result
    if field.choices:
        assert re.findall(r"`([^`]*)`", value) == [choice for choice in field.choices if choice]
        return
    bounds = (field.above, field.at_least, field.at_most, field.below)
    assert {float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", value)} == {
        float(f"{bound:g}") for bound in bounds if math.isfinite(bound)
    }
