"""The score table of an evaluation: Spearman x 100 by task, the average with its label, and what was missing."""

from typing import Any

from textual.content import Content

from syncse_local.api import Run
from tui.following import Detail
from tui.widgets.section import Section, lines
from tui.widgets.text import number, safe

TASK = 22


class Scores(Section):
    """Hidden for runs without scores."""

    def show(self, detail: Detail) -> None:
        """Draw one line a task."""
        rows = [row for row in detail.scores if row["metric"] == "spearman"]
        if not rows:
            self.put(Content(""))
            return
        heading = Content.styled(f"{'task':<{TASK}} {'pairs':>7}  {'Spearman x 100':>14}", "bold")
        self.put(lines(heading, *(_line(row) for row in rows), *_average(detail.run), *_missing(detail.run)))


def _line(row: dict[str, Any]) -> Content:
    return Content(f"{safe(row['task'], TASK):<{TASK}} {row['pairs']:>7,}  {_hundred(row['value']):>14}")


def _average(run: Run) -> list[Content]:
    average = run.result.get("average")
    if not isinstance(average, dict):
        return []
    value = _hundred(average.get("value"))
    return [
        Content.styled(f"{'average':<{TASK}} {'':>7}  {value:>14}", "bold"),
        Content.styled(safe(average.get("label", "")), "dim"),
    ]


def _missing(run: Run) -> list[Content]:
    missing = run.result.get("missing")
    if not isinstance(missing, dict):
        return []
    return [Content(f"{safe(task, 40)} is not there (looked for {safe(where)})") for task, where in missing.items()]


def _hundred(value: object) -> str:
    found = number(value)
    return "undefined" if found is None else f"{100 * found:.2f}"
