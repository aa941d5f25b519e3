"""The project's Markdown pages, without those of environments and models that lie in hidden folders. Tests nothing."""

import os
from collections.abc import Iterator
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


def _pages() -> Iterator[Path]:
    for folder, inner, names in os.walk(REPO):
        inner[:] = [name for name in inner if not name.startswith(".")]
        yield from (Path(folder, name) for name in names if name.endswith(".md"))


PAGES = sorted(_pages())
