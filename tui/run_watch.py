"""Which runs have ended since the last look, and how that is told in a line. Knows runs; knows no terminal and no widget."""

from collections.abc import Mapping, Sequence

from syncse_local.api import OPEN, Run
from syncse_local.text.display import safe
from syncse_local.text.figures import clock
from tui import describe

ENDS = {"done": "Finished", "failed": "Failed", "cancelled": "Stopped", "lost": "Lost"}
"""What begins the line: a word of ours, so that no text of a stranger is taken for a flag of a command."""


class RunWatch:
    """Remembers which runs were open; the first look remembers only."""

    def __init__(self) -> None:
        self._open: set[str] | None = None

    def ended(self, runs: Sequence[Run]) -> list[Run]:
        """The runs that were open at the last look and are not now, the oldest first."""
        before, self._open = self._open, {run.id for run in runs if run.state in OPEN}
        return [run for run in reversed(runs) if before and run.id in before - self._open]


def told(run: Run, titles: Mapping[str, str]) -> str:
    """A run that has ended in one line: how, what it was about, what came out, how long it took."""
    took = f"took {clock(run.ended - run.started)}" if run.started is not None and run.ended is not None else ""
    facts = "; ".join(part for part in (describe.outcome(run), took) if part)
    about = f"{describe.kind(run)} {safe(titles.get(run.id, run.name), 120)}"
    return f"{ENDS.get(run.state, 'Ended')}: {about}" + (f" ({facts})" if facts else "")


def summary(runs: Sequence[Run], titles: Mapping[str, str]) -> str:
    """The workspace in a terminal's title: how many runs are at work and how far the newest is, or how the last one ended."""
    working = [run for run in runs if run.state in OPEN]
    if working:
        share = describe.share(working[0])
        far = "" if share is None else f"{share:.0%} "
        more = f" (+{len(working) - 1})" if len(working) > 1 else ""
        return f"● {far}{safe(titles.get(working[0].id, working[0].kind), 60)}{more} - syncse-local"
    if runs:
        return (
            f"{describe.GLYPHS.get(runs[0].state, '?')} {safe(titles.get(runs[0].id, runs[0].kind), 60)} - syncse-local"
        )
    return "syncse-local"
