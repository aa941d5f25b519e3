"""Main memory and GPU memory in use, on one line."""

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from syncse_local.text.display import safe
from syncse_local.text.figures import number
from tui.widgets.section import Section

GIB = 2**30
"""Bytes."""


class Memory(Section):
    """Handed what `Workspace.machine` says; hidden before that."""

    def show(self, machine: Mapping[str, Any]) -> None:
        """Draw the line."""
        parts = [f"memory {_used(machine['memory'])}"]
        parts += [f"GPU {gpu['index']} {safe(gpu['name'], 24)} {_used(gpu)}" for gpu in machine["gpus"]]
        parts += [] if machine["gpus"] else ["no GPU"]
        self.set_content(Content(" · ".join(parts)))


def _used(place: Mapping[str, Any]) -> str:
    total, free = number(place["total"]), number(place["free"])
    if total is None or free is None:
        return "not known"
    return f"{(total - free) / GIB:.1f} of {total / GIB:.1f} GiB used"
