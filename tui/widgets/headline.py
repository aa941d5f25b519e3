"""The detail pane's first line: which run this is and how it stands."""

from textual.content import Content

from syncse_local.text.display import safe
from tui import describe
from tui.run_follower import RunDetail
from tui.widgets.section import Section


class Headline(Section):
    """Id, kind, state and name of the followed run."""

    def show(self, detail: RunDetail) -> None:
        """Draw the line."""
        run = detail.run
        parts = [
            Content.styled(f"{safe(run.kind, 20)} {safe(run.id, 40)}", "bold"),
            Content.styled(describe.state(run), f"${describe.colour(run)}"),
            Content.styled(safe(run.name, 80), "dim"),
        ]
        self.set_content(Content("  ").join(part for part in parts if part.plain))
