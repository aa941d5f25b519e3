"""How far an open run's cancelling is: which step it stands on, and what the next press of the key does."""

from textual.content import Content

from syncse_local.api import OPEN
from tui.describe import CANCEL_STEPS
from tui.run_follower import RunDetail
from tui.widgets.section import Section


class CancelSteps(Section):
    """Hidden until somebody has asked the run to stop."""

    def show(self, detail: RunDetail) -> None:
        """Draw the steps with the current one marked."""
        step = min(detail.run.cancel, len(CANCEL_STEPS))
        if step < 1 or detail.run.state not in OPEN:
            self.set_content(Content(""))
            return
        parts: list[tuple[str, str]] = [("Cancel", "bold")]
        for number, name in enumerate(CANCEL_STEPS, 1):
            mark, style = ("▶", "$text-warning bold") if number == step else (" ", "$text-muted")
            parts.append((f"  {mark} {name}", style))
        left = CANCEL_STEPS[step:]
        after = f"it saves first; c again: {left[0]}" if left else "what was finished is kept"
        self.set_content(Content.assemble(*parts, (f"   {after}", "$text-muted")))
