"""The page of keys is made from the bindings; every binding can be remapped and needs no ctrl key."""

from pathlib import Path

import keys_page
import pytest

from syncse_local.errors import ExitCode, SyncseError
from tui import keymap, keys

FORBIDDEN = ("ctrl+", "alt+", "shift+", "super+", *(f"f{number}" for number in range(1, 13)))


def test_the_page_is_up_to_date(repo: Path) -> None:
    assert (repo / "docs" / "guide" / "keys.md").read_text(encoding="utf-8") == keys_page.page(), (
        "run scripts/keys_page.py"
    )


@pytest.mark.parametrize("title", [title for title, _ in keymap.owners()])
def test_every_binding_has_an_id_of_its_own_and_plain_keys(title: str) -> None:
    found = keys.declared(dict(keymap.owners())[title])
    assert found
    ids = [binding.id for binding in found]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    pressed = [[key.strip() for key in binding.key.split(",")] for binding in found]
    assert [keys for keys in pressed if all(key != "f" and key.startswith(FORBIDDEN) for key in keys)] == []


@pytest.mark.parametrize("title", [title for title, _ in keymap.owners()])
def test_no_key_means_two_things_on_one_screen(title: str) -> None:
    found = dict(keymap.owners())
    own, everywhere = keys.declared(found[title]), keys.declared(found["Everywhere"])
    both = own if title == "Everywhere" or found[title].__module__.startswith("tui.widgets") else [*own, *everywhere]
    dialogs = ("Help", "Error", "Question", "Choice", "Rewriting", "Editor")
    pressed = [key.strip() for binding in (own if title in dialogs else both) for key in binding.key.split(",")]
    assert sorted(pressed) == sorted(set(pressed))


def test_a_key_is_remapped() -> None:
    assert keymap.checked({"run.cancel": "C", "mode.runs": "R,9"}) == {"run.cancel": "C", "mode.runs": "R,9"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"run.cancle": "C"}, "Did you mean 'run.cancel'?"),
        ({"run.cancel": 7}, "Write a key in quotes"),
        ({"run.cancel": " , "}, "Write a key in quotes"),
        ({"run.cancel": "q"}, "Choose another key."),
    ],
)
def test_a_bad_table_of_keys_is_refused_with_a_next_step(given: dict[str, object], words: str) -> None:
    with pytest.raises(SyncseError) as refused:
        keymap.checked(given)
    assert refused.value.code is ExitCode.USAGE
    assert words in refused.value.hint
