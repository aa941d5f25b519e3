"""The pages of a long result that are in memory: a few, the ones looked at last. Knows no store and no widget."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

PAGE = 100
"""Rows asked for at once: the same as the store hands out at once."""
KEPT = 40
"""Pages in memory: 4,000 rows, some MB, far more than are in view."""

Row = Mapping[str, Any]


class Pages:
    """Rows by their place in the result; `total` is how many there are."""

    def __init__(self) -> None:
        self.total = 0
        self._pages: OrderedDict[int, Sequence[Row]] = OrderedDict()

    def row(self, place: int) -> Row | None:
        """The row at a place; None where it is not in memory."""
        number, rest = divmod(place, PAGE)
        page = self._pages.get(number, ())
        return page[rest] if 0 <= rest < len(page) else None

    def missing(self, first: int, last: int) -> list[int]:
        """The numbers of the pages that these places need and that are not here; the others count as looked at."""
        wanted = range(max(0, first) // PAGE, max(0, min(last, self.total - 1)) // PAGE + 1) if self.total else range(0)
        for number in wanted:
            if number in self._pages:
                self._pages.move_to_end(number)
        return [number for number in wanted if number not in self._pages]

    def put(self, number: int, rows: Sequence[Row]) -> None:
        """Keep a page; the one that was not looked at for longest goes."""
        self._pages[number] = rows
        self._pages.move_to_end(number)
        while len(self._pages) > KEPT:
            self._pages.popitem(last=False)

    def change(self, ordinal: int, **values: Any) -> None:
        """Change what is known of one triplet, until its page is read again."""
        for number, page in self._pages.items():
            if any(row["ordinal"] == ordinal for row in page):
                self._pages[number] = [{**row, **values} if row["ordinal"] == ordinal else row for row in page]

    def clear(self) -> None:
        """Forget every page."""
        self._pages.clear()
