"""A person's own keys from the settings, checked against all bindings of the program. Knows the screens by name only."""

from collections.abc import Collection, Iterator, Mapping

from textual.dom import DOMNode
from textual.keys import format_key

from syncse_local.config import unknown_key
from syncse_local.errors import ExitCode, SyncseError
from tui.keys import declared
from tui.modes import APP, DIALOGS, MODES, load

SOURCE = "The table [keys] of the settings"


def owners() -> Iterator[tuple[str, type[DOMNode]]]:
    """Everything that declares bindings, with a title: the program, each screen, each dialog and widget."""
    yield "Everywhere", load(APP)
    for mode in MODES:
        yield mode.title, load(mode.place)
    for title, place in DIALOGS.items():
        yield title, load(place)


def checked(given: Mapping[str, object]) -> dict[str, str]:
    """The keymap of the settings. Raises SyncseError (USAGE) for an unknown id, a value that is no key, or a clash."""
    if not given:
        return {}
    known = {binding.id: binding for _, owner in owners() for binding in declared(owner) if binding.id}
    keymap: dict[str, str] = {}
    for name, keys in given.items():
        if name not in known:
            raise unknown_key(name, list(known), SOURCE)
        if not isinstance(keys, str) or not all(part.strip() for part in keys.split(",")):
            detail = f"{SOURCE} gives {name} the value {keys!r}."
            raise SyncseError("Bad key", detail, 'Write a key in quotes, as in "x" or "x,down".', ExitCode.USAGE)
        keymap[name] = keys
    _refuse_clashes(keymap)
    return keymap


def checked_theme(name: str, known: Collection[str]) -> str:
    """The name of a theme. Raises SyncseError (USAGE) for one that nobody knows."""
    if name and name not in known:
        raise unknown_key(name, sorted(known), "The setting theme")
    return name


def _refuse_clashes(keymap: Mapping[str, str]) -> None:
    """One key may not mean two things on one screen; the program's own keys work on all of them."""
    (_, everywhere), *screens = owners()
    for title, owner in screens:
        taken: dict[str, str] = {}
        for binding in [*declared(owner), *declared(everywhere)]:
            for key in keymap.get(binding.id or "", binding.key).split(","):
                name, other = binding.id or "", taken.setdefault(format_key(key.strip()), binding.id or "")
                if other != name and {other, name} & set(keymap):
                    detail = f"On the screen {title} the key {key.strip()!r} would be {other} and {name}."
                    raise SyncseError("Two meanings for one key", detail, "Choose another key.", ExitCode.USAGE)
