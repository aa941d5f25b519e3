"""The first line: the workspace, how many runs are at work, the air-gap state, and trouble with reading."""

from collections.abc import Sequence
from pathlib import Path

from textual.content import Content

from syncse_local.api import OPEN, Run
from syncse_local.text.display import safe
from tui.command import place
from tui.widgets.section import Section


class Header(Section):
    """Handed the runs and the workspace; keeps to one line."""

    def show(self, directory: Path, runs: Sequence[Run] | None, airgap: bool, trouble: str) -> None:
        """Draw the line; `runs` is None before the first reading."""
        if trouble:
            self.set_content(Content.styled(f"! {safe(trouble)}", "$text-error bold"))
            return
        parts = [Content.styled("syncse-local", "bold"), Content(place(directory))]
        if runs is not None:
            working = sum(run.state in OPEN for run in runs)
            noun = "run" if len(runs) == 1 else "runs"
            parts.insert(1, Content(f"{len(runs)} {noun}, {working} at work"))
        parts.insert(1, Content("air-gap on" if airgap else "air-gap off"))
        self.set_content(Content.styled("  ", "dim").join(parts))
