"""The newest events of a run, or in their place the end of its log."""

from textual.content import Content

from syncse_local.text.display import safe
from syncse_local.text.events import event_line
from syncse_local.text.figures import age
from tui.run_follower import RunDetail
from tui.widgets.section import Section, lines

MOST, LOG_LINES, LOG_WIDTH = 12, 40, 400
"""Events, lines of a log, and characters of a line: what a large terminal has room for."""


class EventLog(Section):
    """Events, newest first; log lines in their own order."""

    def show(self, detail: RunDetail, now: float) -> None:
        """Draw the log where the detail carries one, else the events with their ages."""
        self.set_content(_events(detail, now) if detail.log is None else _log(detail.log, str(detail.log_path)))


def _events(detail: RunDetail, now: float) -> Content:
    newest = list(reversed(detail.events))[:MOST]
    if not newest:
        return Content("")
    rows = [
        Content.assemble(
            (f"{age(event['time'], now):>4} ", "dim"),
            safe(event_line(event["kind"], event["data"]), LOG_WIDTH),
        )
        for event in newest
    ]
    return lines(Content.styled("Events", "bold"), *rows)


def _log(log: tuple[str, ...], path: str) -> Content:
    heading = Content.assemble(("Log  ", "bold"), (safe(path), "dim"))
    if not log:
        return lines(heading, Content.styled("The log is empty.", "dim"))
    return lines(heading, *(Content(safe(line, LOG_WIDTH)) for line in log[-LOG_LINES:]))
