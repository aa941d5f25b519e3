"""The keys of the screen of triplets: move, filter, sort, search, and a person's decisions. Knows no store."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from syncse_local.api import TripletQuery, Workspace
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.display import safe
from tui import triplet_queries
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
ON_A_TRIPLET = ("accept", "reject", "edit", "undo")


class TripletsScreen(TripletFrame):
    """`syncse triplets` and `syncse review`."""

    MODE = "triplets"
    CSS_PATH = "triplets.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "decide('accept')", "Accept", tooltip="syncse review RUN --accept N", id="triplets.accept"),
        Binding("x", "decide('reject')", "Reject", tooltip="syncse review RUN --reject N", id="triplets.reject"),
        Binding(
            "e", "edit", "Edit", tooltip="syncse review RUN --edit N --positive P --negative Q", id="triplets.edit"
        ),
        Binding("u", "undo", "Undo", tooltip="syncse review RUN --undo N", id="triplets.undo"),
        Binding("n", "next_open", "Next", tooltip="syncse triplets RUN --reviewed no", id="triplets.next-open"),
        Binding("slash", "search", "Search", tooltip="syncse triplets RUN --search WORDS", id="triplets.search"),
        Binding("f", "filter", "Filter", tooltip="syncse triplets RUN --state S --reason R", id="triplets.filter"),
        Binding("o", "sort", "Order", tooltip="syncse triplets RUN --sort S --falling", id="triplets.sort"),
        Binding(
            "p", "prompt", "One prompt", show=False, tooltip="syncse triplets RUN --prompt P", id="triplets.prompt"
        ),
        Binding("c", "clear", "All again", show=False, tooltip="syncse triplets RUN", id="triplets.clear"),
        Binding("r", "run", "Another run", show=False, tooltip="syncse runs", id="triplets.run"),
        Binding("left_square_bracket", "other(1)", "An older run", show=False, id="triplets.older"),
        Binding("right_square_bracket", "other(-1)", "A newer run", show=False, id="triplets.newer"),
        Binding("j,down", "move(1)", "Next row", show=False, id="triplets.next"),
        Binding("k,up", "move(-1)", "Previous row", show=False, id="triplets.previous"),
        Binding("space,pagedown", "page(1)", "A page down", show=False, id="triplets.page-down"),
        Binding("b,pageup", "page(-1)", "A page up", show=False, id="triplets.page-up"),
        Binding("g,home", "top", "First row", show=False, id="triplets.top"),
        Binding("G,end", "bottom", "Last row", show=False, id="triplets.bottom"),
        Binding("percent_sign", "place", "Go to a row or a percentage", show=False, id="triplets.place"),
        Binding("J", "scroll_pane(1)", "Scroll the details down", show=False, id="triplets.down"),
        Binding("K", "scroll_pane(-1)", "Scroll the details up", show=False, id="triplets.up"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out decisions where there is no triplet."""
        return None if action in ON_A_TRIPLET and self.triplet is None else True

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

    def action_place(self) -> None:
        """To a row by its number, or by how much comes before it."""

        def there(text: str | None) -> None:
            place = _place(text or "", self.table.pages.total)
            if place is not None:
                self.table.move_to(place)

        self.app.push_screen(AskScreen("Go to a row (12345) or a percentage (50%)"), there)

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

    def action_search(self) -> None:
        """Words that must occur."""

        def searched(text: str | None) -> None:
            if text is not None and self.query_shown is not None:
                self.show_result(replace(self.query_shown, search=text))

        if self.query_shown is not None:
            question = 'Words that must all occur, "guit*" for any ending; empty: no search'
            self.app.push_screen(AskScreen(question, self.query_shown.search), searched)

    def action_filter(self) -> None:
        """By state, reason, and whether a person has decided."""
        self._choose("Show", triplet_queries.filters)

    def action_prompt(self) -> None:
        """By the prompt of the positive."""
        self._choose("Show the positives of", triplet_queries.prompts)

    def action_sort(self) -> None:
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

        self.app.push_screen(ChooseScreen("Order", choices, query.sort), chosen)

    def action_clear(self) -> None:
        """All triplets of the run, in the order of the plan."""
        if self.query_shown is not None:
            self.show_result(TripletQuery(self.query_shown.run_id))

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

    def action_run(self) -> None:
        """Another generate run, from a list."""

        def chosen(name: str | None) -> None:
            if name:
                self.show_result(TripletQuery(name))

        lines = [(run.id, (f"{run.id}  {safe(run.name, 60)}", run.state)) for run in self.runs]
        if lines:
            self.app.push_screen(
                ChooseScreen("The triplets of", lines, self.query_shown.run_id if self.query_shown else ""), chosen
            )

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

    def action_edit(self) -> None:
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

        self.app.push_screen(RewriteScreen(data["sentence"], *texts), written)

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
