"""What a generate run makes: a sample of its text, its newest triplets, and why answers were rejected."""

from textual.content import Content

from syncse_local.text.display import safe
from tui.run_follower import RunDetail
from tui.widgets.section import Section, lines

MOST = 240
"""Characters of a text: three lines of the narrowest terminal."""
REASONS = 6
"""Kinds of rejected answers that are named; the rest is counted."""
PARTS = (("sentence", "·", "dim"), ("positive", "+", "$text-success bold"), ("negative", "-", "$text-error bold"))


class SampleText(Section):
    """The newest answer, or the first triplet of a finished run."""

    def show(self, detail: RunDetail) -> None:
        """Draw title and labelled lines."""
        if detail.sample is None:
            self.set_content(Content(""))
            return
        heading = Content.styled(safe(detail.sample.title, 80), "bold")
        rows = [
            Content.assemble((f"{safe(label, 9):<9} ", "dim"), safe(text, MOST)) for label, text in detail.sample.lines
        ]
        self.set_content(lines(heading, *rows))


class Newest(Section):
    """The triplets completed last, while the run is at work."""

    def show(self, detail: RunDetail) -> None:
        """Draw three lines a triplet, the newest first."""
        if not detail.triplets:
            self.set_content(Content(""))
            return
        rows = [
            Content.assemble((f"{mark} ", style), safe(triplet[part], MOST))
            for triplet in detail.triplets
            for part, mark, style in PARTS
        ]
        self.set_content(lines(Content.styled("Latest triplets", "bold"), *rows))


class Failures(Section):
    """Rejected answers by typed reason, the most frequent first."""

    def show(self, detail: RunDetail) -> None:
        """Draw one line of counts."""
        found = list(detail.failures.items())
        if not found:
            self.set_content(Content(""))
            return
        parts = [f"{safe(reason or 'no reason', 30)} {count:,}" for reason, count in found[:REASONS]]
        parts += [f"{len(found) - REASONS} more kinds"] if len(found) > REASONS else []
        total = sum(detail.failures.values())
        self.set_content(Content.assemble((f"Rejected {total:,}  ", "bold"), " · ".join(parts)))
