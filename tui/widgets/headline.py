"""The details' first line: how the run stands and what it is about, in full."""

from textual.content import Content

from syncse_local.text.display import safe
from tui import describe
from tui.run_follower import RunDetail
from tui.widgets.section import Section

LONGEST = 600
"""Characters of a title that are shown here, where it may take several lines: a comparison of ten arms."""


class Headline(Section):
    """State and title of the followed run."""

    def show(self, detail: RunDetail) -> None:
        """Draw the line."""
        state = Content.styled(describe.state(detail.run), f"${describe.colour(detail.run)} bold")
        self.set_content(Content("  ").join([state, Content.styled(safe(detail.title, LONGEST), "bold")]))
