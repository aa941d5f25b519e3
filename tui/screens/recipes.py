"""Recipes: the shipped ones and one's own, their text, the prompt they make of a chosen row; copy and edit."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import DataTable

from syncse_local.api import Workspace
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.display import safe
from tui.command import place
from tui.keys import key
from tui.screens.ask import AskScreen
from tui.screens.editor import EditorScreen, editable
from tui.screens.list_frame import ListFrame, list_keys
from tui.widgets.section import Section, lines
from tui.widgets.table import Column, Table

COLUMNS = (Column("recipe", 24), Column("mode", 8, optional=20), Column("for", 0, prose=True))
LINE, MOST = 2000, 20_000
"""Characters of a line and of a whole recipe that are shown: nobody reads on, and drawing them takes time."""


class RecipesScreen(ListFrame):
    """`syncse recipes`."""

    MODE = "recipes"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "open", "Use", "recipes.use", "syncse generate --recipe NAME"),
        key("v", "preview", "Preview", "recipes.preview", "syncse recipes preview NAME"),
        key("n", "row(1)", "Next row", "recipes.next-row", "--row N"),
        key("p", "row(-1)", "Row before", "recipes.previous-row", "--row N", show=False),
        key("i", "input", "Sentences", "recipes.input", "--input FILE"),
        key("d", "copy_recipe", "Duplicate", "recipes.copy", "syncse recipes new NEW --from NAME"),
        key("e", "edit", "Edit", "recipes.edit", "an editor, then syncse recipes check FILE"),
        *list_keys("recipes", "recipe"),
        key("J", "scroll_detail(1)", "Scroll the text down", "recipes.down", show=False),
        key("K", "scroll_detail(-1)", "Scroll the text up", "recipes.up", show=False),
    ]

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.previewing, self.row, self.input = False, 1, ""

    def body(self) -> ComposeResult:
        """The list, and the text or the prompt beside it or below."""
        table = Table(COLUMNS, id="recipes")
        table.add_class("panel", "list")
        table.border_title = "Recipes"
        yield table
        with VerticalScroll(id="recipe", classes="panel details", can_focus=False):
            yield Section(id="text")

    def on_mount(self) -> None:
        """List them."""
        self.query_one("#text", Section).set_content(Content.styled("Reading the recipes…", "$text-muted"))
        self._list()

    def on_screen_resume(self) -> None:
        """To the recipe that another screen names."""
        self.table.select(self.session.chosen.get("at.recipes", ""))

    def _list(self, choose: str = "") -> None:
        self.act(_listed, partial(self._show_list, choose), self.session.slow, "list")

    def _show_list(self, choose: str, rows: list[tuple[str, Sequence[str]]]) -> None:
        self.table.show(rows)
        self.table.select(choose or self.session.chosen.pop("at.recipes", ""))
        self.table.focus()
        self._show()

    @property
    def current(self) -> str:
        """The recipe under the cursor: a name, or the path of one's own."""
        return self.table.current if self.is_mounted else ""

    def arguments(self) -> Sequence[str]:
        """How to see the same."""
        if not self.current:
            return ("recipes",)
        if not self.previewing:
            return ("recipes", "show", self.current)
        return (
            "recipes",
            "preview",
            self.current,
            "--row",
            str(self.row),
            *(("--input", self.input) if self.input else ()),
        )

    @on(DataTable.RowHighlighted)
    def _show(self) -> None:
        """Read the chosen recipe anew."""
        if self.current:
            given = list(self.arguments())
            read = (lambda w: w.command(given)) if self.previewing else partial(_text, name=self.current)
            self.act(read, self._draw_text, self.session.slow, "text")
        self.refresh_bindings()
        self.draw()

    def _draw_text(self, found: Any) -> None:
        drawn = _requests(found, self.row) if isinstance(found, list) else _file(found)
        self.query_one("#text", Section).set_content(drawn)
        title = f"Prompt of row {self.row}" if self.previewing else "Recipe"
        self.query_one("#recipe", VerticalScroll).border_title = Content(
            f"{title}: {safe(Path(self.current).stem, 80)}"
        )

    # -- keys --------------------------------------------------------------------------------------------------------

    def can(self, action: str) -> bool:
        """Rows are for the preview."""
        return action != "row" or self.previewing

    def action_scroll_detail(self, direction: int) -> None:
        """Scroll by half a page."""
        pane = self.query_one("#recipe", VerticalScroll)
        pane.scroll_relative(y=direction * max(1, pane.size.height // 2), animate=False)

    def action_preview(self) -> None:
        """The prompt of a row in place of the file, or the file again."""
        self.previewing = not self.previewing
        self.refresh_bindings()
        self.query_one("#recipe", VerticalScroll).scroll_home(animate=False)
        self._show()

    def action_row(self, by: int) -> None:
        """Another row."""
        self.row = max(1, self.row + by)
        self._show()

    async def action_input(self) -> None:
        """Other sentences to preview with."""

        def taken(path: str | None) -> None:
            if path is not None:
                self.input, self.row, self.previewing = path, 1, True
                self._show()

        question = "A file of sentences; empty: the bundled ones"
        await self.app.push_screen(AskScreen(question, self.input, path=True), taken)

    async def action_copy_recipe(self) -> None:
        """A copy under a name of one's own, in the workspace."""
        source = self.current

        def named(name: str | None) -> None:
            if name:
                self.act(partial(_copy, source=source, name=name), self._list)

        if source:
            await self.app.push_screen(AskScreen(f"A name for the copy of {safe(Path(source).stem)}"), named)

    def action_edit(self) -> None:
        """One's own recipe in an editor; a shipped one has to be copied first."""
        name = self.current
        if not name.endswith(".toml"):
            detail = f"{name or 'Nothing'} is shipped with the program."
            self.show_error(
                SyncseError("A shipped recipe is not edited", detail, "Press d for a copy, then e.", ExitCode.USAGE)
            )
            return
        path = Path(name)

        def read(text: str) -> None:
            try:
                editor = EditorScreen(self.session, path, editable(text, path), lambda w, new: w.save_recipe(path, new))
            except SyncseError as error:
                self.show_error(error)
            else:
                self.app.push_screen(editor, lambda _: self._list(name))

        self.act(lambda workspace: workspace.recipe_text(name), read)

    def action_open(self) -> None:
        """Into the form of Generate."""
        if self.current:
            self.session.chosen["recipe"] = self.current
            self.app.switch_mode("generate")


def _listed(workspace: Workspace) -> list[tuple[str, Sequence[str]]]:
    """One's own first, then the shipped ones."""
    own = [(str(path), (safe(path.stem, 60), "own", place(path))) for path in workspace.own_recipes()]
    shipped = [
        (str(said["name"]), (safe(said["name"], 60), safe(said.get("mode"), 12), safe(said.get("description"), 200)))
        for said in workspace.command(["recipes", "list"])
        if "name" in said
    ]
    return [*own, *shipped]


def _copy(workspace: Workspace, source: str, name: str) -> str:
    """Copy a recipe; a mere name goes into the workspace's folder. Returns the copy's path."""
    plain = "/" not in name and not name.endswith(".toml")
    target = str(workspace.recipe_folder() / f"{name}.toml") if plain else name
    workspace.command(["recipes", "new", target, "--from", source])
    return target


def _text(workspace: Workspace, name: str) -> str:
    return workspace.recipe_text(name)


def _file(text: str) -> Content:
    return Content("\n".join(safe(line, LINE) for line in text[:MOST].split("\n")))


def _requests(requests: Sequence[Any], row: int) -> Content:
    rows: list[Content] = []
    for request in requests:
        context, role = safe(request.get("context"), 80), safe(request.get("role"), 20)
        rows.append(Content.assemble((f"{role} of row {row}", "bold"), (f"  {context}", "$text-muted")))
        for message in request.get("messages", ()):
            style = {"system": "$text-accent", "assistant": "$text-success"}.get(message.get("role"), "$text-primary")
            said = safe(message.get("content"), LINE)
            rows.append(Content.assemble((f"{safe(message.get('role'), 10):<10}", style), said))
        rows.append(Content(" "))
    return lines(*rows)
