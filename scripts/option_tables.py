"""Writes docs/guide/options.md, every option of every kind of run, from the specs; --check only says whether it is stale."""

import sys
from pathlib import Path

from syncse_local.specs.field import Field
from syncse_local.specs.kinds import COMMANDS, KINDS
from syncse_local.specs.spec import Spec

PAGE = Path(__file__).resolve().parents[1] / "docs" / "guide" / "options.md"
HEAD = """# Options

Made by `python scripts/option_tables.py` from the specs in `syncse_local/specs`, like the command line's help.

[The Python API](python.md) takes each option as a keyword: its name with `_` for `-`, or the name in brackets.
Where you give no value, a setting of the named key decides, if there is one; else the default does.
An option without a flag is set in the settings or in Python. Options marked with * do not change the result.
"""


def page() -> str:
    """The whole page, a section for each verb."""
    sections = {**KINDS, **COMMANDS}
    return HEAD + "".join(f"\n## syncse {kind}\n\n{_table(spec)}" for kind, spec in sections.items())


def listed(spec: type[Spec]) -> list[Field]:
    """The fields that have a row: what a person may give, or set."""
    return [field for field in spec.fields() if field.asked or field.setting]


def row(field: Field) -> list[str]:
    """The cells of a field's row."""
    default = f"`{field.default_shown}`" if field.default_shown else ""
    setting = f"`{field.setting}`" if field.setting else ""
    return [_name(field), _value(field), default, setting, field.help]


def _table(spec: type[Spec]) -> str:
    rows = [" | ".join(cell.replace("|", "\\|") for cell in row(field)) for field in listed(spec)]
    lines = [
        "| option | value | default | setting | what |",
        "|---|---|---|---|---|",
        *(f"| {cells} |" for cells in rows),
    ]
    return "\n".join(lines) + "\n"


def _name(field: Field) -> str:
    shown = ", ".join(f"`{flag}`" for flag in field.flags) or f"`{field.name}`"
    same = not field.flags or f"--{field.name.replace('_', '-')}" in field.flags
    return shown + ("" if same else f" (`{field.name}`)") + ("" if field.changes_result else " *")


def _value(field: Field) -> str:
    if field.kind is bool:
        return ""
    if field.choices:
        return ", ".join(f"`{choice}`" for choice in field.choices if choice)
    what = field.metavar if field.kind in (str, dict) and field.metavar else field.wanted
    return what + (" ..." if field.several else "") + (f"; {field.unit}" if field.unit else "")


def main() -> int:
    """Write the page, or compare it."""
    if "--check" in sys.argv[1:]:
        stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page()
        print("stale: run python scripts/option_tables.py" if stale else "up to date")
        return int(stale)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
