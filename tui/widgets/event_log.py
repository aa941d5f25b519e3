"""The newest events of a run, or in their place the end of its log."""

from textual.content import Content

from syncse_local.text.display import safe
from syncse_local.text.events import event_line
from syncse_local.text.figures import age
from tui.run_follower import RunDetail
from tui.widgets.section import Section, lines

LOG_LINES = 200
"""Lines of a log that can be scrolled back to; `syncse show RUN --log` prints all."""
LOG_WIDTH = 400
"""Characters of a line of a log: longer ones are cut, for they fill the pane."""


class EventLog(Section):
    """Events, newest first; log lines in their own order."""

    def show(self, detail: RunDetail, now: float) -> None:
        """Draw the log where the detail carries one, else the events with their ages."""
        if detail.log is None:
            self.set_title("Events")
            self.set_content(_events(detail, now))
        else:
            self.set_title("Log", safe(detail.log_path))
            self.set_content(_log(detail.log))


def _events(detail: RunDetail, now: float) -> Content:
    rows = (
        Content.assemble((f"{age(made['time'], now):>4} ", "$text-muted"), _line(made["kind"], made["data"]))
        for made in reversed(detail.events)
    )
    return lines(*rows)


def _line(kind: str, data: object) -> str:
    """An engine's settings fill the pane: they stand in the log and in `syncse show --json`."""
    short = {**data, "settings": None} if kind == "engine" and isinstance(data, dict) else data
    return safe(event_line(kind, short), LOG_WIDTH)


def _log(log: tuple[str, ...]) -> Content:
    if not log:
        return Content.styled("The log is empty.", "$text-muted")
    return lines(*(Content(safe(line, LOG_WIDTH)) for line in log[-LOG_LINES:]))
