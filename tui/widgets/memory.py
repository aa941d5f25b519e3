"""Main memory and GPU memory in use, with their course since the screen was opened."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from textual.content import Content

from syncse_local.text.display import safe
from syncse_local.text.figures import number
from tui.widgets.section import Section, lines
from tui.widgets.sparkline import sparkline

GIB = 2**30  # bytes
KEPT = 16
"""Looks at the memory that its course shows."""


class Memory(Section):
    """Handed what `Workspace.machine` says; hidden before that."""

    def __init__(self, id: str | None = None, title: str = "") -> None:
        super().__init__(id=id, title=title)
        self._courses: dict[str, deque[float]] = {}

    def show(self, machine: Mapping[str, Any]) -> None:
        """Draw a line for the main memory and one for each GPU."""
        rows = [self._line("memory", machine["memory"])]
        rows += [self._line(f"GPU {gpu['index']} {safe(gpu['name'], 24)}", gpu) for gpu in machine["gpus"]]
        if not machine["gpus"]:
            rows[0] += Content.styled(" · no GPU", "$text-muted")
        self.set_content(lines(*rows))

    def forget(self) -> None:
        """Show nothing: the figures would be old."""
        self.set_content(Content(""))

    def _line(self, name: str, place: Mapping[str, Any]) -> Content:
        total, free = number(place["total"]), number(place["free"])
        if not total or free is None:
            return Content.assemble((f"{name} ", "$text-muted"), "not known")
        course = self._courses.setdefault(name, deque(maxlen=KEPT))
        course.append((total - free) / total)
        words = f"{(total - free) / GIB:.1f} of {total / GIB:.1f} GiB used"
        spark = f"{sparkline(tuple(course), KEPT, 0.0, 1.0)} " if len(course) > 1 else ""
        return Content.assemble((f"{name} ", "$text-muted"), (spark, "$text-accent"), words)
