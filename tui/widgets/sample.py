"""What a generate run makes: a sample of its text, its newest triplets, and why answers were rejected."""

from textual.content import Content

from syncse_local.text.display import safe
from tui.run_follower import Detail
from tui.widgets.section import Section, lines

MOST = 240
REASONS = 6
PARTS = (("sentence", "·", "dim"), ("positive", "+", "$text-success bold"), ("negative", "-", "$text-error bold"))


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


class Newest(Section):
    """The triplets completed last, while the run is at work."""

    def show(self, detail: Detail) -> None:
        """Draw three lines a triplet, the newest first."""
        if not detail.triplets:
            self.put(Content(""))
            return
        rows = [
            Content.assemble((f"{mark} ", style), safe(triplet[part], MOST))
            for triplet in detail.triplets
            for part, mark, style in PARTS
        ]
        self.put(lines(Content.styled("Latest triplets", "bold"), *rows))


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
