"""What is chosen for a comparison: the cells of an evaluation, the arms so far, how to choose, and the noise floor."""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content

from syncse_local.api import Run
from syncse_local.text.display import safe
from syncse_local.text.figures import age, counted
from tui import describe
from tui.arms import Marks
from tui.widgets.section import Section, lines
from tui.widgets.table import Cell, Column
from tui.widgets.task_result import CALIBRATE

EVALS = (
    Column("", 1),
    Column("encoder", 0),
    Column("arm", 10, optional=24),
    Column("result", 16),
    Column("age", 4, right=True, optional=24),
    Column("run", 12, optional=44),
)
MARK = 10
"""Characters of an arm's name in its column; the panel beside it has the whole of it."""
HOW = "m marks an evaluation as an arm. N names its arm: runs of one name are its seeds. s compares two arms or more."


def cells(run: Run, title: str, marks: Marks, now: float) -> Sequence[Cell]:
    """An evaluation's line in a table of EVALS, as of `now` (seconds since 1970)."""
    return (
        ("●" if run.id in marks else "", "text-accent"),
        safe(title),
        (safe(marks.name(run.id), MARK), "text-accent"),
        describe.outcome(run)[:16],
        age(run.created, now),
        (safe(run.id, 12), "text-muted"),
    )


class ArmList(Section):
    """The arms in their order, and what is known of the noise floor; `calibrations` None before they were read."""

    def show(self, marks: Marks, titles: Mapping[str, str], calibrations: Sequence[Mapping[str, Any]] | None) -> None:
        """Draw each arm with its runs."""
        arms = [
            Content.assemble((f"{place:>2}  ", "$text-accent bold"), _arm(name, ids, titles))
            for place, (name, ids) in enumerate(marks.arms(), 1)
        ]
        hints = (Content.styled(text, "$text-muted") for text in (HOW, _floor(calibrations)))
        self.set_content(lines(*arms, *hints))


def _arm(name: str, ids: Sequence[str], titles: Mapping[str, str]) -> str:
    listed = "; ".join(safe(titles.get(run_id, run_id)) for run_id in ids)
    return f"{safe(name, 60)}: {listed}  ({counted(len(ids), 'seed')})" if name else listed


def _floor(calibrations: Sequence[Mapping[str, Any]] | None) -> str:
    if calibrations is None:
        return ""
    if not calibrations:
        return f"No noise floor yet: `{CALIBRATE}` measures how far training seeds alone set scores apart."
    about = [safe(calibrations[0].get(name), 80) for name in ("encoder", "data", "machine")]
    return f"Noise floor: {about[0]} on {about[1]}, {about[2]}."
