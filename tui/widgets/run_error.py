"""How a run that did not finish ended: title, one sentence, the next step."""

from textual.content import Content

from syncse_local.api import RESUMABLE, Run
from syncse_local.text.display import safe
from tui.run_follower import RunDetail
from tui.widgets.section import Section, lines


class RunError(Section):
    """Shows a run's error; hidden where there is none."""

    def show(self, detail: RunDetail) -> None:
        """Draw the error, or what stands for it where the process could not write one."""
        title, sentence, hint = _error(detail.run)
        resume = "r resumes it." if detail.run.state in RESUMABLE else ""
        style = "$text-warning bold" if detail.run.state in ("cancelled", "incomplete") else "$text-error bold"
        step = " ".join(part for part in (hint, resume) if part)
        self.set_content(
            lines(Content.styled(title, style), Content(sentence), Content(f"→ {step}" if step and title else ""))
        )


def _error(run: Run) -> tuple[str, str, str]:
    if run.error:
        title, sentence, hint = (safe(run.error.get(part, ""), 600) for part in ("title", "detail", "hint"))
        return title or "The run failed", sentence, hint
    if run.state == "lost":
        return "The run was lost", "Its process is gone without a word. What was finished is kept.", ""
    if run.state == "cancelled":
        return "The run was stopped", "What was finished is kept.", ""
    return "", "", ""
