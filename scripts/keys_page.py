"""Writes docs/guide/keys.md, the keyboard on one page, from the bindings; with --check only says whether it is
stale."""

import sys
from pathlib import Path

from textual.binding import Binding

from tui import keymap, keys

PAGE = Path(__file__).resolve().parents[1] / "docs" / "guide" / "keys.md"
HEAD = """# Keys

Made by `python scripts/keys_page.py` from the program's bindings. No action needs ctrl, alt or a function key; the
mouse works too, and is never needed. While a line is being typed, letters and digits are text: escape gives the keys
back.

Every id can be given another key in a settings file (`syncse.toml`, or `~/.config/syncse-local/config.toml`), several
with commas:

```toml
[keys]
"run.cancel" = "C"
"mode.runs" = "R,9"
```

An unknown id, or a key that would mean two things on one screen, is refused when the program starts.
"""


def page() -> str:
    """The whole page: screens with the same keys share a table."""
    groups: dict[tuple[str, ...], list[str]] = {}
    rows: dict[tuple[str, ...], list[Binding]] = {}
    for title, owner in keymap.owners():
        found = keys.declared(owner)
        same = tuple(str(binding.id) for binding in found)
        groups.setdefault(same, []).append(title)
        rows[same] = found
    return HEAD + "".join(f"\n## {', '.join(titles)}\n\n{_table(rows[same])}" for same, titles in groups.items())


def _table(rows: list[Binding]) -> str:
    lines = ["| key | does | command | id |", "|---|---|---|---|"]
    for binding in rows:
        shown = " ".join(f"`{key}`" for key in keys.shown(binding, {}).split())
        command = binding.tooltip if binding.tooltip.startswith(("syncse", "--", "the line")) else ""
        does = binding.description if command or not binding.tooltip else f"{binding.description}: {binding.tooltip}"
        lines.append(f"| {shown} | {does} | {f'`{command}`' if command else ''} | `{binding.id}` |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or compare it."""
    if "--check" in sys.argv[1:]:
        stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page()
        print("stale: run python scripts/keys_page.py" if stale else "up to date")
        return int(stale)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
