"""A piece of a panel: text that hides when there is none and repaints only when it has changed."""

from textual import events
from textual.content import Content
from textual.widgets import Static


class Section(Static):
    """Shows `Content` only, so nothing that comes from the store is ever read as markup. A title stands in a line above."""

    def __init__(self, id: str | None = None, title: str = "") -> None:
        super().__init__(id=id, markup=False)
        self._shown = Content("")
        self._titled = ("", "")
        self.display = False
        self.set_title(title)

    def set_title(self, title: str, note: str = "") -> None:
        """The section's title, with a note behind it that may change; an empty one draws no line."""
        if (title, note) != self._titled:
            self._titled = (title, note)
            self.border_title, self.border_subtitle = Content(title), Content(note)
            self.set_class(bool(title), "-titled")

    def set_content(self, content: Content, layout: bool = True) -> None:
        """Show this content; an empty one hides the section. `layout` False: its height is known to stay as it is."""
        if content.plain == self._shown.plain and content.spans == self._shown.spans:
            return
        self._shown = content
        self.display = bool(content.plain)
        # The library counts a second layout only once the first was asked for in its turn; its cache of heights, keyed by
        # that count, would keep the height of what stood here in between.
        self._layout_updates += layout
        self.update(content, layout=layout)


class MeasuredSection(Section):
    """A section whose content is made for its width, and made anew when that changes; nothing is drawn for a guess."""

    def made_for(self, width: int) -> Content:
        """The content for so many columns; an empty one hides the section."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw what is there; a section that was hidden is measured first, and drawn then."""
        if self.display and self.size.width:
            self.set_content(self.made_for(self.size.width))
        else:
            self.display = True

    def on_resize(self, event: events.Resize) -> None:
        """Another width."""
        self.set_content(self.made_for(event.size.width))


def lines(*parts: Content) -> Content:
    """The parts that are not empty, one under the other."""
    return Content("\n").join(part for part in parts if part.plain)
