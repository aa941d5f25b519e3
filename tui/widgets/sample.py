"""A sample of the text a generate run makes, and the reasons for which its answers were rejected."""

from textual.content import Content

from tui.following import Detail
from tui.widgets.section import Section, lines
from tui.widgets.text import safe

MOST = 240
REASONS = 6


class SampleText(Section):
    """The newest answer, or the first triplet of a finished run."""

    def show(self, detail: Detail) -> None:
        """Draw title and labelled lines."""
        if detail.sample is None:
            self.put(Content(""))
            return
        heading = Content.styled(safe(detail.sample.title, 80), "bold")
        rows = [
            Content.assemble((f"{safe(label, 9):<9} ", "dim"), safe(text, MOST)) for label, text in detail.sample.lines
        ]
        self.put(lines(heading, *rows))


class Failures(Section):
    """Rejected answers by typed reason, the most frequent first."""

    def show(self, detail: Detail) -> None:
        """Draw one line of counts."""
        found = list(detail.failures.items())
        if not found:
            self.put(Content(""))
            return
        parts = [f"{safe(reason or 'no reason', 30)} {count:,}" for reason, count in found[:REASONS]]
        parts += [f"{len(found) - REASONS} more kinds"] if len(found) > REASONS else []
        total = sum(detail.failures.values())
        self.put(Content.assemble((f"Rejected {total:,}  ", "bold"), " · ".join(parts)))
