"""The models on this machine: a list, all about the chosen one, whether it would fit, where models are looked for."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.css.query import NoMatches
from textual.widgets import DataTable, Static

from syncse_local.api import Workspace
from syncse_local.errors import SyncseError
from syncse_local.text.display import safe
from syncse_local.text.figures import size, weights
from tui.command import place
from tui.keys import key
from tui.screens.ask import AskScreen
from tui.screens.choose import ChooseScreen
from tui.screens.list_frame import ListFrame, list_keys
from tui.widgets.section import Section, lines
from tui.widgets.table import Cell, Column, Table
from tui.work import start
from tui.workspace_thread import STORE_ERRORS

REST_SECONDS = 0.3
"""How long the cursor rests on a model before its fit is asked for."""
COLUMNS = (
    Column("model", 0),
    Column("kind", 9),
    Column("size", 9, right=True),
    Column("type", 7, optional=30),
    Column("runs in", 15, optional=24),
    Column("from", 11, optional=40),
)
FACTS = ("path", "architecture", "parameters", "bytes", "quantisation", "context", "chat_template", "licence", "sha256")
USES = {
    "llm": (("generate", "model", "Write triplets with it"),),
    "encoder": (("train", "encoder", "Train it"), ("evaluate", "encoder", "Evaluate it")),
    "embedding": (("evaluate", "encoder", "Evaluate it"),),
}
"""What a model of a kind is for: the screen, the field of its form, and the words for it."""
LOOKING = "Looking for models…"


class ModelsScreen(ListFrame):
    """`syncse models`, and `syncse models show NAME` for the one under the cursor."""

    MODE = "models"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "open", "Use", "models.use", "--model NAME or --encoder NAME"),
        key("v", "measure", "Evaluate", "models.measure", "syncse eval NAME", show=False),
        key("a", "add_folder", "Add a folder", "models.add", "model_dirs of your settings file"),
        key("L", "refresh", "Look again", "models.refresh", "syncse models"),
        *list_keys("models", "model"),
        key("J", "scroll_detail(1)", "Scroll the details down", "models.down", show=False),
        key("K", "scroll_detail(-1)", "Scroll the details up", "models.up", show=False),
    ]

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.found: list[dict[str, Any]] = []
        self._fits: dict[str, list[dict[str, Any]]] = {}

    def body(self) -> ComposeResult:
        """The list, and one model beside it or below."""
        table = Table(COLUMNS, id="models")
        table.add_class("panel", "list")
        table.border_title = "Models"
        yield table
        with VerticalScroll(id="model", classes="panel details", can_focus=False) as box:
            box.border_title = "About it"
            yield Section(id="facts")
            yield Section(id="fits", title="Will it fit?")
            yield Section(id="places", title="Models are looked for in")
        yield Static(LOOKING, markup=False, id="empty")

    def on_mount(self) -> None:
        """Look for models at once."""
        self.table.display = self.query_one("#model").display = False
        self.action_refresh()

    def on_screen_resume(self) -> None:
        """To the model that another screen names by its path."""
        self._select(self.session.chosen.pop("at.models", ""))

    def _select(self, path: str) -> None:
        named = next((_name(entry) for entry in self.found if path and str(entry.get("path")) == path), "")
        if named:
            self.table.select(named)
        elif path and not self.found:
            self.session.chosen["at.models"] = path  # they are still looked for

    def action_refresh(self) -> None:
        """Look for models anew; new memory figures too."""
        self._fits.clear()
        self.act(_places, self.query_one("#places", Section).set_content, self.session.slow, "look")
        self.act(lambda workspace: workspace.command(["models"]), self._listed, self.session.slow, "look")

    def _listed(self, found: list[dict[str, Any]]) -> None:
        self.found = [entry for entry in found if "kind" in entry]
        self.query_one("#model").display = self.table.display = bool(self.found)
        empty = self.query_one("#empty", Static)
        empty.display = not self.found
        empty.update("No models were found.\n\nA folder with GGUF files or encoders is added with a.")
        self.table.show([(_name(entry), _cells(entry)) for entry in self.found])
        if self.found:
            self.table.focus()
        self._select(self.session.chosen.pop("at.models", ""))
        self._show()

    @property
    def current(self) -> dict[str, Any] | None:
        """The model under the cursor."""
        name = self.table.current
        return next((entry for entry in self.found if _name(entry) == name), None)

    def arguments(self) -> Sequence[str]:
        """How to see the same."""
        with suppress(NoMatches):
            if self.current is not None:
                return ("models", "show", self.table.current)
        return ("models",)

    @on(DataTable.RowHighlighted)
    def _show(self) -> None:
        """What is known of the chosen model; its fit comes when the cursor has rested."""
        entry = self.current
        if entry is not None:
            name = _name(entry)
            self.query_one("#model", VerticalScroll).border_title = Content(safe(name))
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
            if self.table.current == name:
                self.query_one("#fits", Section).set_content(_fits(self._fits[name]))

    # -- keys --------------------------------------------------------------------------------------------------------

    def can(self, action: str) -> bool:
        """A model can be used where something here runs it."""
        if action in ("open", "measure") and self.is_mounted:
            return any(mode == "evaluate" or action == "open" for mode, *_ in self._uses())
        return True

    def _uses(self) -> Sequence[tuple[str, str, str]]:
        entry = self.current
        return USES.get(str(entry.get("kind")), ()) if entry and not entry.get("problem") else ()

    def action_open(self) -> None:
        """Into the form of the screen that uses such a model; a list where there are several."""
        uses = self._uses()
        if len(uses) == 1:
            self._hand_over(*uses[0][:2])
        elif uses:
            lines = [(str(at), (what, "")) for at, (_, _, what) in enumerate(uses)]

            def chosen(at: str | None) -> None:
                if at is not None:
                    self._hand_over(*uses[int(at)][:2])

            self.app.push_screen(ChooseScreen(f"Use {safe(self.table.current)}", lines), chosen)

    def action_measure(self) -> None:
        """Into the form of Evaluate."""
        self._hand_over("evaluate", "encoder")

    def action_scroll_detail(self, direction: int) -> None:
        """Scroll the details by half a page."""
        pane = self.query_one("#model", VerticalScroll)
        pane.scroll_relative(y=direction * max(1, pane.size.height // 2), animate=False)

    async def action_add_folder(self) -> None:
        """Look in one more directory, at once and from now on."""

        def named(folder: str | None) -> None:
            if folder:
                self.act(partial(_add, folder=folder), lambda _: self.action_refresh(), self.session.slow, "look")

        await self.app.push_screen(AskScreen("A directory with models", path=True), named)

    def _hand_over(self, mode: str, field: str) -> None:
        self.session.chosen[field] = self.table.current
        self.app.switch_mode(mode)


def _add(workspace: Workspace, folder: str) -> None:
    workspace.add_model_folder(Path(folder))


def _places(workspace: Workspace) -> Content:
    rows = []
    for source, path, there in workspace.model_places():
        note = "" if there else "  (not there)"
        rows.append(Content.assemble((f"{safe(source):<12} ", "$text-muted"), place(path), (note, "$text-muted")))
    return lines(*rows, Content.styled("a adds a folder.", "$text-muted"))


def _name(entry: Mapping[str, Any]) -> str:
    return f"{entry.get('source')}:{entry.get('name')}"


def _cells(entry: Mapping[str, Any]) -> tuple[Cell, ...]:
    broken = bool(entry.get("problem"))
    runs_in = ", ".join(map(str, entry.get("backends") or ()))
    return (
        safe(entry.get("name")),
        safe(entry.get("kind"), 12),
        size(entry.get("bytes")),
        safe(entry.get("quantisation") or "-", 12),
        ("cannot be read", "text-error") if broken and not runs_in else safe(runs_in or "-", 40),
        (safe(entry.get("source"), 12), "text-muted"),
    )


def _facts(entry: Mapping[str, Any]) -> Content:
    rows = []
    for fact in FACTS:
        value = entry.get(fact)
        if isinstance(value, bool):
            shown = "yes" if value else "no"
        elif fact == "bytes":
            shown = size(value)
        elif fact == "parameters":
            shown = weights(value)
        else:
            shown = f"{value:,}" if isinstance(value, int) else str(value or "")
        if shown:
            rows.append(Content.assemble((f"{fact.replace('_', ' '):<14} ", "$text-muted"), safe(shown)))
    if entry.get("problem"):
        rows.append(Content.styled(safe(entry["problem"], 600), "$text-error"))
    return lines(*rows)


def _fits(fits: Sequence[Mapping[str, Any]] | None) -> Content:
    if fits is None:
        return Content.styled("Adding up…", "$text-muted")
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
