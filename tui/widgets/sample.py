"""What a generate run makes: a sample of its text, its newest triplets, and why answers were rejected."""

from textual.content import Content

from syncse_local.text.display import safe
from tui.run_follower import RunDetail
from tui.widgets.section import Section, lines

LONGEST = 240
"""Characters of a text: three lines of a terminal of 80 columns."""
REASONS = 6
"""Reasons that are named; the rest is counted."""
BAR = 20
"""Columns of the longest bar beside a reason."""
TALL = 30
"""Lines of the screen from which the reasons stand one under the other, and all of the newest triplets are shown."""
FEW = 2
"""Of the newest triplets, on a lower screen."""
PARTS = (
    ("sentence", "·", "$text-muted"),
    ("positive", "+", "$text-success bold"),
    ("negative", "-", "$text-error bold"),
)


class SampleText(Section):
    """The newest answer, or the first triplet of a finished run."""

    def show(self, detail: RunDetail) -> None:
        """Draw labelled lines under their title."""
        if detail.sample is None:
            self.set_content(Content(""))
            return
        self.set_title(safe(detail.sample.title, 80))
        rows = [
            Content.assemble((f"{safe(label, 9):<9} ", "$text-muted"), safe(text, LONGEST))
            for label, text in detail.sample.lines
        ]
        self.set_content(lines(*rows))


class NewestTriplets(Section):
    """The triplets completed last, while the run is at work."""

    def show(self, detail: RunDetail) -> None:
        """Draw three lines a triplet, the newest first."""
        kept = detail.triplets if self.screen.size.height >= TALL else detail.triplets[:FEW]
        self.set_title("Newest triplets")
        rows = [
            Content.assemble((f"{mark} ", style), safe(triplet[part], LONGEST))
            for triplet in kept
            for part, mark, style in PARTS
        ]
        self.set_content(lines(*rows))


class Failures(Section):
    """Rejected answers by typed reason, the most frequent first."""

    def show(self, detail: RunDetail) -> None:
        """Draw one line of counts, or a bar for each where there is room."""
        found = sorted(detail.failures.items(), key=lambda item: (-item[1], item[0]))
        if not found:
            self.set_content(Content(""))
            return
        self.set_title("Rejected answers", f"{sum(detail.failures.values()):,}")
        kept, more = found[:REASONS], len(found) - REASONS
        named = [(safe(reason or "no reason", 30).replace("_", " "), count) for reason, count in kept]
        rest = f"{more} more kinds" if more > 0 else ""
        if self.screen.size.height < TALL:
            words = [f"{reason} {count:,}" for reason, count in named]
            self.set_content(Content(" · ".join([*words, *filter(None, [rest])])))
            return
        most = max(count for _, count in named)
        rows = [
            Content.assemble(
                (f"{reason:<20} {count:>7,} ", ""), ("▇" * max(1, round(BAR * count / most)), "$text-accent")
            )
            for reason, count in named
        ]
        self.set_content(lines(*rows, Content.styled(rest, "$text-muted")))
