"""The keys of the screen of triplets: move, filter, sort, search, and a person's decisions. Knows no store."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.binding import BindingType

from syncse_local.api import TripletQuery, Workspace
from syncse_local.errors import ExitCode, SyncseError
from tui import triplet_queries
from tui.keys import key
from tui.screens.ask import AskScreen
from tui.screens.choose import ChooseScreen
from tui.screens.editor import editable
from tui.screens.rewrite import RewriteScreen
from tui.screens.triplet_frame import TripletFrame
from tui.triplet_queries import Choice
from tui.widgets.triplet_pane import TripletPane

LONGEST = 4_000
"""Characters of a text that can be edited in one line."""
SAID = {"accept": ("accepted", "person"), "reject": ("rejected", "person"), "edit": ("accepted", "edited")}
"""What a row says of a decision until it is read again."""
SORTS = {
    "plan": "in the order of the plan",
    "words": "by words of the sentence",
    "positive_overlap": "by the positive's overlap with the sentence",
    "negative_overlap": "by the hard negative's overlap",
}
ON_A_TRIPLET = ("decide", "edit", "undo", "open")


class TripletsScreen(TripletFrame):
    """`syncse triplets` and `syncse review`."""

    MODE = "triplets"
    CSS_PATH = "triplets.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("a", "decide('accept')", "Accept", "triplets.accept", "syncse review RUN --accept N"),
        key("x", "decide('reject')", "Reject", "triplets.reject", "syncse review RUN --reject N"),
        key("e", "edit", "Edit", "triplets.edit", "syncse review RUN --edit N --positive P --negative Q"),
        key("u", "undo", "Undo", "triplets.undo", "syncse review RUN --undo N"),
        key("n", "next_open", "Undecided", "triplets.next-open", "the next one: syncse triplets RUN --reviewed no"),
        key("enter", "open", "All of it", "triplets.open", "the triplet on the whole screen, or the table again"),
        key("slash", "search", "Search", "triplets.search", "syncse triplets RUN --search WORDS"),
        key("f", "filter", "Filter", "triplets.filter", "syncse triplets RUN --state S --reason R"),
        key("S", "sort", "Order", "triplets.sort", "syncse triplets RUN --sort S --falling"),
        key("P", "prompt", "One prompt", "triplets.prompt", "syncse triplets RUN --prompt P", show=False),
        key("escape", "clear", "Show all", "triplets.clear", "syncse triplets RUN"),
        key("w", "run", "Other run", "triplets.run", "syncse runs"),
        key("o", "origin", "Its run", "triplets.origin", "syncse show RUN", show=False),
        key("left_square_bracket", "other(1)", "An older run", "triplets.older", show=False),
        key("right_square_bracket", "other(-1)", "A newer run", "triplets.newer", show=False),
        key("j,down", "move(1)", "Next row", "triplets.next", show=False),
        key("k,up", "move(-1)", "Previous row", "triplets.previous", show=False),
        key("space,pagedown", "page(1)", "A page down", "triplets.page-down", show=False),
        key("b,pageup", "page(-1)", "A page up", "triplets.page-up", show=False),
        key("g,home", "top", "First row", "triplets.top", show=False),
        key("G,end", "bottom", "Last row", "triplets.bottom", show=False),
        key("percent_sign", "place", "Go to a row or a percentage", "triplets.place", show=False),
        key("J", "scroll_pane(1)", "Scroll the details down", "triplets.down", show=False),
        key("K", "scroll_pane(-1)", "Scroll the details up", "triplets.up", show=False),
    ]

    def can(self, action: str) -> bool:
        """Decisions are on a triplet; there is nothing to show again where all is shown."""
        query = self.query_shown
        if action == "clear":
            return self.has_class("-zoomed") or (query is not None and query != TripletQuery(query.run_id))
        return self.triplet is not None if action in ON_A_TRIPLET else query is not None or not self.runs

    # -- moving ------------------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self.table.move_to(self.table.cursor + by)

    def action_page(self, direction: int) -> None:
        """Move the cursor by a screenful."""
        self.table.move_to(self.table.cursor + direction * self.table.height)

    def action_top(self) -> None:
        """To the first row."""
        self.table.move_to(0)

    def action_bottom(self) -> None:
        """To the last row."""
        self.to_end()

    async def action_place(self) -> None:
        """To a row by its number, or by how much comes before it."""

        def there(text: str | None) -> None:
            place = _place(text or "", self.table.pages.total)
            if place is not None:
                self.table.move_to(place)

        await self.app.push_screen(AskScreen("Go to a row (12345) or a percentage (50%)"), there)

    def action_scroll_pane(self, direction: int) -> None:
        """Scroll the details by half a page."""
        self.query_one(TripletPane).scroll_half_page(direction)

    def action_next_open(self) -> None:
        """To the next triplet that no person has decided on."""
        if self.query_shown is not None:
            place, known = self.table.cursor, self._outline
            find = partial(triplet_queries.next_open, query=self.query_shown, place=place, known=known, mark=self._mark)
            self.act(find, partial(self._found_open, self.query_shown), self.session.counts, "next")

    def _found_open(self, query: TripletQuery, place: int | None) -> None:
        if place is None:
            self.app.notify("No triplet after this one is left to decide on.", timeout=3)
        elif query is self.query_shown:
            self.table.move_to(place)

    # -- which triplets ----------------------------------------------------------------------------------------------

    async def action_search(self) -> None:
        """Words that must occur."""

        def searched(text: str | None) -> None:
            if text is not None and self.query_shown is not None:
                self.show_result(replace(self.query_shown, search=text))

        if self.query_shown is not None:
            question = 'Words that must all occur, "guit*" for any ending; empty: no search'
            await self.app.push_screen(AskScreen(question, self.query_shown.search), searched)

    def action_filter(self) -> None:
        """By state, reason, and whether a person has decided."""
        self._choose("Show", triplet_queries.filters)

    def action_prompt(self) -> None:
        """By the prompt of the positive."""
        self._choose("Show the positives of", triplet_queries.prompts)

    async def action_sort(self) -> None:
        """In another order; the same again turns it round."""
        query = self.query_shown
        if query is None:
            return
        choices = [
            (name, (title, "falling" * (name == query.sort and not query.falling))) for name, title in SORTS.items()
        ]

        def chosen(name: str | None) -> None:
            if name:
                self.show_result(replace(query, sort=name, falling=name == query.sort and not query.falling))

        await self.app.push_screen(ChooseScreen("Order", choices, query.sort), chosen)

    def action_open(self) -> None:
        """The triplet on the whole screen, or the table again."""
        self.toggle_class("-zoomed")
        self.refresh_bindings()

    def action_clear(self) -> None:
        """The table again, or all triplets of the run in the order of the plan."""
        if self.has_class("-zoomed"):
            self.action_open()
        elif self.query_shown is not None:
            self.show_result(TripletQuery(self.query_shown.run_id))

    def action_origin(self) -> None:
        """The run that these are the triplets of."""
        if self.query_shown is not None:
            self.session.chosen["run.generate"] = self.query_shown.run_id
            self.app.switch_mode("generate")

    def _choose(self, question: str, offered: Callable[[Workspace, TripletQuery], list[Choice]]) -> None:
        query = self.query_shown

        def found(choices: list[Choice]) -> None:
            changes = {name: change for name, _, change in choices}
            lines = [(name, cells) for name, cells, _ in choices]

            def chosen(name: str | None) -> None:
                if name and query is not None:
                    self.show_result(replace(query, **changes[name]))

            self.app.push_screen(ChooseScreen(question, lines), chosen)

        if query is not None:
            self.act(lambda workspace: offered(workspace, query), found, self.session.counts, "choose")

    # -- which run ---------------------------------------------------------------------------------------------------

    async def action_run(self) -> None:
        """Another generate run, from a list."""

        def chosen(name: str | None) -> None:
            if name:
                self.show_result(TripletQuery(name))

        titles = self.snapshot.titles if self.snapshot else {}
        lines = [(run.id, (titles.get(run.id, run.name), run.id)) for run in self.runs]
        if lines:
            current = self.query_shown.run_id if self.query_shown else ""
            await self.app.push_screen(ChooseScreen("The triplets of", lines, current), chosen)

    def action_other(self, step: int) -> None:
        """The generate run before or after the one shown."""
        ids = [run.id for run in self.runs]
        if self.query_shown is not None and self.query_shown.run_id in ids:
            place = min(len(ids) - 1, max(0, ids.index(self.query_shown.run_id) + step))
            if ids[place] != self.query_shown.run_id:
                self.show_result(TripletQuery(ids[place]))

    # -- deciding ----------------------------------------------------------------------------------------------------

    def action_decide(self, action: str, positive: str = "", negative: str = "") -> None:
        """Store what the person says of the triplet under the cursor."""
        if self.query_shown is None or self.ordinal is None:
            return
        run_id, ordinal = self.query_shown.run_id, self.ordinal
        texts = {"positive": positive, "negative": negative} if action == "edit" else {}
        state, reason = SAID[action]

        def done(_: str) -> None:
            self.table.pages.change(ordinal, state=state, reason=reason, **texts)
            self._decided(("review", run_id, f"--{action}", str(ordinal), *_texts(texts)))

        self.act(lambda workspace: workspace.review(run_id, ordinal, action, positive, negative), done)

    async def action_edit(self) -> None:
        """Write both texts anew."""
        data = self.triplet.data if self.triplet else None
        if data is None or data["ordinal"] != self.ordinal:
            return
        try:
            texts = [_short(editable(data[name], f"the {name}")) for name in ("positive", "negative")]
        except SyncseError as error:
            self.show_error(error)
            return

        def written(given: tuple[str, str] | None) -> None:
            if given is not None and data["ordinal"] == self.ordinal:
                self.action_decide("edit", *given)

        await self.app.push_screen(RewriteScreen(data["sentence"], *texts), written)

    def action_undo(self) -> None:
        """Take back one's last word on the triplet under the cursor."""
        if self.query_shown is not None and self.ordinal is not None:
            run_id, ordinal = self.query_shown.run_id, self.ordinal
            words = ("review", run_id, "--undo", str(ordinal))
            self.act(lambda workspace: workspace.undo_review(run_id, ordinal), lambda _: self._decided(words))

    def _decided(self, words: Sequence[str]) -> None:
        self.last_command = words
        self.table.refresh()
        self.read_detail()
        self.show_position()
        self.check_for_updates(now=True)


def _place(text: str, total: int) -> int | None:
    """A row's place from what was typed: its number, or a percentage; None for anything else."""
    digits = text.replace(",", "").strip()
    share = digits.endswith("%")
    try:
        number = float(digits.rstrip("% "))
        return int(total * number / 100) if share else int(number) - 1
    except (ValueError, OverflowError):
        return None


def _texts(texts: dict[str, str]) -> list[str]:
    return [word for name, text in texts.items() for word in (f"--{name}", text)]


def _short(text: str) -> str:
    if len(text) > LONGEST or "\n" in text:
        detail = f"It has {len(text):,} characters, or several lines."
        raise SyncseError("Not edited here", detail, "Use syncse review RUN --edit N.", ExitCode.PREFLIGHT)
    return text
