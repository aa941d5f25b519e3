"""The pane beside the table: all about one triplet. Knows the order of its sections; knows no store.

New words stand in {+ +} as well as in colour, so that they can be told without it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from syncse_local.text.display import safe
from syncse_local.text.figures import figure
from tui.triplet_queries import TripletDetail
from tui.widgets.section import Section, lines
from tui.widgets.triplet_table import GLYPHS, PERSON
from tui.word_diff import Difference

LONG = 2_000
"""Characters of a text that are shown; what is cut is said."""
STYLES = {"positive": "$text-success", "negative": "$text-error"}
MARKS = {"positive": "+", "negative": "-"}


class TripletPane(VerticalScroll, can_focus=False):
    """Scrolls when a triplet has more to say than fits."""

    def compose(self) -> ComposeResult:
        """What a person decides by comes first."""
        titles = {"texts": "", "said": "Decided by", "raw": "Raw answers", "asked": "Prompts"}
        for name, title in titles.items():
            yield Section(id=name, title=title)

    def show(self, found: TripletDetail | None) -> None:
        """Draw a triplet; None draws nothing."""
        parts = [_texts(found), _said(found.data), _raw(found.data), _asked(found.data)] if found else [Content("")] * 4
        self.border_title = f"No. {found.data['ordinal']} of the plan" if found else ""
        for section, content in zip(self.query(Section), parts, strict=True):
            section.set_content(content)

    def scroll_half_page(self, direction: int) -> None:
        """Scroll by half a page: 1 down, -1 up."""
        self.scroll_relative(y=direction * max(1, self.size.height // 2), animate=False)


def _texts(found: TripletDetail) -> Content:
    data = found.data
    verdict = f"{GLYPHS.get(data['state'], '?')} {safe(data['state'], 12)} {safe(data['reason'], 40)}".rstrip()
    rows = [
        Content.styled(verdict, "bold"),
        Content.assemble((f"{'sentence':<9} ", "$text-muted"), _long(data["sentence"])),
    ]
    for name, difference in found.differences.items():
        rows.append(Content.assemble((f"{name:<9} ", f"{STYLES[name]} bold"), *_pieces(difference, STYLES[name])))
        cut = len(data[name]) - sum(len(piece.text) for piece in difference.pieces)
        rows += [Content.styled(f"{'':<10}… and {cut:,} more characters", "$text-muted")] if cut > 0 else []
        gone = " · ".join(safe(words, 200) for words in difference.gone)
        rows += [Content.styled(f"{'without':>9} {gone}", "$text-muted")] if gone else []
    return lines(*rows)


def _pieces(difference: Difference, style: str) -> Iterator[tuple[str, str]]:
    for piece in difference.pieces:
        shown = safe(piece.text, LONG)
        yield (f"{{+{shown}+}}", f"{style} bold") if piece.new else (shown, "")


def _said(data: Mapping[str, Any]) -> Content:
    rows = []
    for said in data["reviews"]:
        note = f": {safe(said['note'], 200)}" if said["note"] else ""
        rows.append(
            Content.assemble((f"{PERSON} {safe(said['author'], 40)} ", "bold"), f"{safe(said['action'], 12)}{note}")
        )
    for half in data["halves"]:
        why = {"reject": f"rejected, {safe(half['reason'], 60)}", "accept": "accepted"}.get(half["verdict"])
        why = why or f"unanswered, {safe(half['reason'], 60)}"
        by = f"{safe(half['source'], 20)} {half['parser']}"
        rows.append(Content.assemble((f"{by:<14} ", "$text-muted"), f"{half['role']} {why}"))
    for said in data["filters"]:
        score = "" if said["score"] is None else f" {figure(said['score'])}"
        why = f"  {safe(said['reason'], 200)}" if said["reason"] else ""
        rows.append(
            Content.assemble(
                (f"{safe(said['filter'], 14):<14} ", "$text-muted"), f"{safe(said['verdict'], 10)}{score}{why}"
            )
        )
    return lines(*rows)


def _raw(data: Mapping[str, Any]) -> Content:
    rows: list[Content] = []
    for half in data["halves"]:
        facts = f"{safe(half['finish'], 20)}, {half['output_tokens']:,} tokens, {half['seconds']:.2f} s"
        rows.append(
            Content.assemble(
                (MARKS[half["role"]] + " ", STYLES[half["role"]]), _long(half["raw"]), (f"  {facts}", "$text-muted")
            )
        )
        rows += [Content.styled(f"  {safe(half['error'], 400)}", "$text-error")] if half["error"] else []
    return lines(*rows)


def _asked(data: Mapping[str, Any]) -> Content:
    rows = []
    for half in data["halves"]:
        rows.append(
            Content.assemble((f"Prompt of the {half['role']}  ", "bold"), (safe(half["context_id"], 80), "$text-muted"))
        )
        for message in half["messages"]:
            role = str(message["role"])
            style = {"system": "$text-accent", "assistant": "$text-success"}.get(role, "$text-primary")
            rows.append(Content.assemble((f"{safe(role, 10):<10}", style), _long(message["content"])))
        rows += [Content.styled(half["note"], "$text-muted")] if half["note"] else []
    return lines(*rows)


def _long(text: str) -> str:
    more = f" ({len(text):,} characters)" if len(text) > LONG else ""
    return safe(text, LONG) + more
