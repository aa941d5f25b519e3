"""The page of options is made from the specs."""

from pathlib import Path

import option_tables


def test_the_page_is_up_to_date(repo: Path) -> None:
    assert (repo / "docs" / "guide" / "options.md").read_text(encoding="utf-8") == option_tables.page(), (
        "run scripts/option_tables.py"
    )
