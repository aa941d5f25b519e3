"""The cancel ladder of an open run: which step it stands on, and what the next press does."""

from textual.content import Content

from syncse_local.api import OPEN
from tui.describe import STEPS
from tui.run_follower import RunDetail
from tui.widgets.section import Section


class CancelSteps(Section):
    """Hidden until somebody has asked the run to stop."""

    def show(self, detail: RunDetail) -> None:
        """Draw the steps with the current one marked."""
        step = min(detail.run.cancel, len(STEPS))
        if step < 1 or detail.run.state not in OPEN:
            self.set_content(Content(""))
            return
        parts: list[tuple[str, str]] = [("Cancel", "bold")]
        for number, name in enumerate(STEPS, 1):
            mark, style = ("▶", "$text-warning bold") if number == step else (" ", "dim")
            parts.append((f"  {mark} {name}", style))
        after = "saving; c presses harder" if step < len(STEPS) else "what was finished is kept"
        self.set_content(Content.assemble(*parts, (f"   {after}", "dim")))
