"""The first line: the workspace, how many runs are at work, the air gap's state, and what is wrong with reading."""

from collections.abc import Sequence
from pathlib import Path

from textual.content import Content

from syncse_local.api import OPEN, Run
from syncse_local.text.display import safe
from tui.command import place
from tui.widgets.section import Section


class Header(Section):
    """Handed the runs and the workspace; keeps to one line."""

    def show(self, directory: Path, runs: Sequence[Run] | None, airgap: bool, read_error: str) -> None:
        """Draw the line; `runs` is None before the first reading."""
        if read_error:
            self.set_content(Content.styled(f"! {safe(read_error)}", "$text-error bold"))
            return
        parts = [Content.styled("syncse-local", "bold")]
        if runs is not None:
            working = sum(run.state in OPEN for run in runs)
            noun = "run" if len(runs) == 1 else "runs"
            at_work = Content.styled(f"● {working} at work", "$text-accent bold" if working else "$text-muted")
            parts += [Content(f"{len(runs)} {noun}"), at_work]
        parts.append(Content.styled("air-gap on" if airgap else "air-gap off", "" if airgap else "$text-muted"))
        parts.append(Content.styled(place(directory), "$text-muted"))
        self.set_content(Content("  ").join(parts))
