"""What is chosen for a comparison: the cells of an evaluation, the arms so far, how to choose, and the noise floor."""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content

from syncse_local.api import Run
from syncse_local.text.display import safe
from syncse_local.text.figures import age
from tui import describe
from tui.arms import Marks
from tui.widgets.section import Section, lines
from tui.widgets.table import Column
from tui.widgets.task_result import CALIBRATE

EVALS = (
    Column("arm", 14),
    Column("run", 12),
    Column("encoder", 0),
    Column("result", 16),
    Column("age", 4, right=True),
)
HOW = "space marks an arm. n names it: runs of one name are the seeds of one arm. s compares two arms or more."


def cells(run: Run, marks: Marks, now: float) -> Sequence[str]:
    """An evaluation's line in a table of EVALS, as of `now` (seconds since 1970)."""
    mark = f"● {safe(marks.name(run.id), 12)}" if run.id in marks else ""
    label = "  ".join(part for part in (safe(run.result.get("label", ""), 60), safe(run.name, 60)) if part)
    return (mark, safe(run.id, 12), label, describe.outcome(run)[:16], age(run.created, now))


class ArmList(Section):
    """The arms in their order, and what is known of the noise floor; `calibrations` None before they were read."""

    def show(self, marks: Marks, calibrations: Sequence[Mapping[str, Any]] | None) -> None:
        """Draw one line an arm."""
        arms = [
            Content.assemble((f"{place:>3}  ", "$text-accent bold"), _arm(name, ids))
            for place, (name, ids) in enumerate(marks.arms(), 1)
        ]
        self.set_content(lines(*arms, Content.styled(HOW, "dim"), Content.styled(_floor(calibrations), "dim")))


def _arm(name: str, ids: Sequence[str]) -> str:
    listed = ", ".join(safe(run_id, 20) for run_id in ids)
    seeds = "1 seed" if len(ids) == 1 else f"{len(ids)} seeds"
    return f"{safe(name, 30)}: {listed}  ({seeds})" if name else listed


def _floor(calibrations: Sequence[Mapping[str, Any]] | None) -> str:
    if calibrations is None:
        return ""
    if not calibrations:
        return f"No noise floor yet: `{CALIBRATE}` measures how far training seeds alone set scores apart."
    about = [safe(calibrations[0].get(name), 80) for name in ("encoder", "data", "machine")]
    return f"Noise floor: {about[0]} on {about[1]}, {about[2]}."
