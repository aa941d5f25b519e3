"""The models on this machine: a list, all about the chosen one, and whether it would fit. Reads what `syncse models` prints."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.css.query import NoMatches
from textual.widgets import DataTable, Static

from syncse_local.errors import SyncseError
from syncse_local.text.display import safe
from syncse_local.text.figures import figure, size
from tui.screens.frame import Frame
from tui.widgets.section import Section, lines
from tui.widgets.table import Column, Table
from tui.work import start
from tui.workspace_thread import STORE_ERRORS

REST_SECONDS = 0.3
"""How long the cursor rests on a model before its fit is asked for."""
COLUMNS = (
    Column("name", 0),
    Column("kind", 9),
    Column("size", 9, right=True),
    Column("type", 7),
    Column("runs in", 15),
)
FACTS = ("path", "architecture", "parameters", "bytes", "quantisation", "context", "chat_template", "licence", "sha256")
USES = {"llm": ("generate", "model"), "encoder": ("train", "encoder")}
"""Which screen and field a model of a kind is used in."""


class ModelsScreen(Frame):
    """`syncse models`, and `syncse models show NAME` for the one under the cursor."""

    MODE = "models"
    CSS_PATH = "models.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Next model", show=False, id="models.next"),
        Binding("k,up", "move(-1)", "Previous model", show=False, id="models.previous"),
        Binding("u,enter", "use", "Use", tooltip="--model NAME or --encoder NAME", id="models.use"),
        Binding("v", "measure", "Evaluate", tooltip="syncse eval NAME", id="models.measure"),
        Binding("r", "refresh", "Look again", tooltip="syncse models", id="models.refresh"),
    ]

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.found: list[dict[str, Any]] = []
        self._fits: dict[str, list[dict[str, Any]]] = {}

    def body(self) -> ComposeResult:
        """The list above, one model below."""
        yield Table(COLUMNS, id="models")
        with VerticalScroll(id="model", can_focus=False):
            yield Section(id="facts")
            yield Section(id="fits")
        yield Static("Looking for models…", id="empty", markup=False)

    def on_mount(self) -> None:
        """Look for models at once."""
        self.query_one(Table).display = False
        self.action_refresh()

    def action_refresh(self) -> None:
        """Look for models anew; new memory figures too."""
        self._fits.clear()
        self.act(lambda workspace: workspace.command(["models"]), self._listed, self.session.slow, "look")

    def _listed(self, found: list[dict[str, Any]]) -> None:
        self.found = [entry for entry in found if "kind" in entry]
        table = self.query_one(Table)
        table.display, self.query_one("#empty").display = bool(self.found), not self.found
        table.show([(_name(entry), _cells(entry)) for entry in self.found])
        if self.found:
            table.focus()
        self._show()

    @property
    def current(self) -> dict[str, Any] | None:
        """The model under the cursor."""
        name = self.query_one(Table).current
        return next((entry for entry in self.found if _name(entry) == name), None)

    def arguments(self) -> Sequence[str]:
        """How to see the same."""
        with suppress(NoMatches):
            if self.current is not None:
                return ("models", "show", self.query_one(Table).current)
        return ("models",)

    @on(DataTable.RowHighlighted)
    def _show(self) -> None:
        """What is known of the chosen model; its fit comes when the cursor has rested."""
        entry = self.current
        if entry is not None:
            name = _name(entry)
            self.query_one("#facts", Section).set_content(_facts(entry))
            self.query_one("#fits", Section).set_content(_fits(self._fits.get(name)))
            if name not in self._fits:
                start(self, partial(self._fit, name), "fit", exclusive=True)
        self.refresh_bindings()
        self.draw()

    async def _fit(self, name: str) -> None:
        await asyncio.sleep(REST_SECONDS)
        try:
            said = await self.session.slow.call(lambda workspace: workspace.command(["models", "show", name]))
        except SyncseError as error:
            said = [{"fits": [{"with": error.title, "problem": error.detail}]}]
        except STORE_ERRORS:
            return
        self._fits[name] = [fit for document in said for fit in document.get("fits", ())]
        with suppress(NoMatches):
            if self.query_one(Table).current == name:
                self.query_one("#fits", Section).set_content(_fits(self._fits[name]))

    # -- keys --------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A model can be used where something here runs it."""
        if action in ("use", "measure") and self.is_mounted:
            entry = self.current
            kinds = ("encoder",) if action == "measure" else tuple(USES)
            return True if entry and entry.get("kind") in kinds and not entry.get("problem") else None
        return True

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.query_one(Table).step(by)

    @on(DataTable.RowSelected)
    def action_use(self) -> None:
        """Into the form of the screen that uses such a model."""
        self._hand_over(*USES[str(self.current["kind"])]) if self.current else None

    def action_measure(self) -> None:
        """Into the form of Evaluate."""
        self._hand_over("evaluate", "encoder")

    def _hand_over(self, mode: str, field: str) -> None:
        self.session.chosen[field] = self.query_one(Table).current
        self.app.switch_mode(mode)


def _name(entry: Mapping[str, Any]) -> str:
    return f"{entry.get('source')}:{entry.get('name')}"


def _cells(entry: Mapping[str, Any]) -> tuple[str, ...]:
    runs_in = ", ".join(map(str, entry.get("backends") or ())) or ("cannot be read" if entry.get("problem") else "-")
    kind, form = str(entry.get("kind")), str(entry.get("quantisation") or "-")
    return (safe(_name(entry), 120), safe(kind, 12), size(entry.get("bytes")), safe(form, 12), safe(runs_in, 40))


def _facts(entry: Mapping[str, Any]) -> Content:
    rows = [Content.styled(safe(_name(entry), 200), "bold")]
    for fact in FACTS:
        value = entry.get(fact)
        shown = size(value) if fact == "bytes" else figure(value) if fact in ("parameters", "context") else value
        words = {True: "yes", False: "no"}.get(value, shown) if isinstance(value, bool) else shown
        if words:
            rows.append(Content.assemble((f"{fact.replace('_', ' '):<14} ", "dim"), safe(words, 400)))
    if entry.get("problem"):
        rows.append(Content.styled(safe(entry["problem"], 600), "$text-error"))
    return lines(*rows)


def _fits(fits: Sequence[Mapping[str, Any]] | None) -> Content:
    if fits is None:
        return Content.styled("Will it fit? Adding up…", "dim")
    rows = []
    for fit in fits:
        needs = fit.get("needs")
        if not isinstance(needs, dict):
            rows.append(Content.styled(f"{safe(fit.get('with'))}: {safe(fit.get('problem'))}", "$text-error"))
            continue
        parts = " + ".join(f"{safe(what, 60)} {size(need)}" for what, need in needs.items())
        verdict, style = ("fits", "$text-success bold") if fit.get("fits") else ("does not fit", "$text-error bold")
        free = size(fit.get("free")) or "unknown"
        total = size(sum(need for need in needs.values() if isinstance(need, int | float)))
        text = f"{parts} = {total}; {free} free in {safe(fit.get('place'), 40)}"
        rows.append(Content.assemble((f"{safe(fit.get('with'), 20)} {verdict}  ", style), text))
    return lines(*rows)
