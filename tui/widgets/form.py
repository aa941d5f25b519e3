"""A form whose fields are the arguments of a command: what is typed becomes its words. Knows no verb."""

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.suggester import Suggester, SuggestFromList
from textual.widgets import Input, Static

from tui.work import drained

PATHS = "path"


@dataclass(frozen=True, slots=True)
class Field:
    """One argument: `flag` is empty for a positional one, and "*" for words that are taken as they are.

    `suggest` lists what may be meant, or is PATHS for files. `several`: words with spaces between. `value` is there
    from the start.
    """

    name: str
    label: str
    flag: str = ""
    hint: str = ""
    suggest: tuple[str, ...] | str = ()
    several: bool = False
    value: str = ""


def words(fields: Sequence[Field], values: Mapping[str, str]) -> list[str]:
    """The command's arguments, flags last; a field left empty says nothing."""
    first: list[str] = []
    flags: list[str] = []
    for field in fields:
        value = values.get(field.name, "").strip()
        given = _split(value) if field.several or field.flag == "*" else [value] * bool(value)
        if not given:
            continue
        if field.flag == "":
            first += [f"./{word}" if word.startswith("-") else word for word in given]
        elif field.flag == "*":
            flags += given
        elif len(given) == 1:
            flags += [f"{field.flag}={given[0]}"] if given[0].startswith("-") else [field.flag, given[0]]
        else:
            flags += [field.flag, *given]
    return [*first, *flags]


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # an open quote: still being typed
        return text.split()


class PathSuggester(Suggester):
    """Completes the name of a file; the directory is read on another thread."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """The first file or directory whose path begins with `value`."""
        with suppress(OSError, ValueError, RuntimeError):
            return await asyncio.to_thread(_first_path, value)
        return None


def _first_path(value: str) -> str | None:
    directory, _, start = value.rpartition("/")
    place = Path(f"{directory}/" if value.startswith("/") or directory else ".").expanduser()
    names = sorted(path.name + "/" * path.is_dir() for path in place.iterdir() if path.name.startswith(start))
    shown = next((name for name in names if start or not name.startswith(".")), None)
    return shown and value[: len(value) - len(start)] + shown


class Form(VerticalScroll, can_focus=False):
    """One line a field. Arrows and enter go from field to field, escape leaves the form."""

    # Priority: the library then moves the focus before it looks at the next key of a burst.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "go(1)", "Next field", priority=True, id="form.next"),
        Binding("up", "go(-1)", "Previous field", show=False, priority=True, id="form.previous"),
        Binding("tab", "complete", "Complete", priority=True, id="form.complete"),
        Binding("escape", "leave", "Done", priority=True, id="form.leave"),
    ]

    class Changed(Message):
        """Something was typed."""

    def __init__(self, fields: Sequence[Field], id: str | None = None) -> None:
        super().__init__(id=id)
        self.fields = fields

    def compose(self) -> ComposeResult:
        """A label and an input for each field."""
        for field in self.fields:
            with Horizontal(classes="field"):
                yield Static(field.label, markup=False, classes="label")
                yield Input(
                    field.value,
                    placeholder=field.hint,
                    compact=True,
                    select_on_focus=False,
                    suggester=_suggester(field),
                    id=f"field-{field.name}",
                )

    @property
    def values(self) -> dict[str, str]:
        """What stands in each field."""
        return {field.name: self.query_one(f"#field-{field.name}", Input).value for field in self.fields}

    def fill(self, name: str, value: str) -> None:
        """Write into a field."""
        self.query_one(f"#field-{name}", Input).value = value

    def enter(self) -> None:
        """Put the cursor into the first field."""
        self.screen.set_focus(self.query(Input).first())

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    def action_go(self, step: int) -> None:
        """To the field above or below."""
        inputs = list(self.query(Input))
        focused = self.screen.focused
        if isinstance(focused, Input) and focused in inputs:
            self.screen.set_focus(inputs[(inputs.index(focused) + step) % len(inputs)])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """These keys are for typing; there is no field to complete otherwise."""
        return isinstance(self.screen.focused, Input)

    def action_complete(self) -> None:
        """Take what is suggested; with nothing suggested, to the next field."""
        line = self.screen.focused
        if isinstance(line, Input) and line._suggestion and line.cursor_position == len(line.value):
            line.action_cursor_right()
        else:
            self.action_go(1)

    async def action_leave(self) -> None:
        """Give the keys back to the screen, once what was typed before has come."""
        if self.screen.focused is not None:
            await drained(self.screen.focused)
        self.screen.set_focus(None)


def _suggester(field: Field) -> Suggester | None:
    if field.suggest == PATHS:
        return PathSuggester()
    return SuggestFromList(field.suggest, case_sensitive=False) if field.suggest else None
