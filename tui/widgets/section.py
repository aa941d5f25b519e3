"""A piece of the detail pane: text that hides when there is none and repaints only when it has changed."""

from textual.content import Content
from textual.widgets import Static


class Section(Static):
    """Shows `Content` only, so nothing that comes from the store is ever read as markup."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._shown = Content("")
        self.display = False

    def set_content(self, content: Content, layout: bool = True) -> None:
        """Show this content; an empty one hides the section. `layout` False: its height is known to stay as it is."""
        if content.plain == self._shown.plain and content.spans == self._shown.spans:
            return
        self._shown = content
        self.display = bool(content.plain)
        self.update(content, layout=layout)


def lines(*parts: Content) -> Content:
    """The parts that are not empty, one under the other."""
    return Content("\n").join(part for part in parts if part.plain)
