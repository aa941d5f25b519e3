"""Labels fit their width and stay different."""

from hypothesis import given
from hypothesis import strategies as st

from tui.labels import distinct

NAMES = st.lists(st.text("ab-/ x,", min_size=1, max_size=30), min_size=1, max_size=6)


@given(NAMES, st.integers(4, 40))
def test_labels_fit_and_those_that_differ_still_differ(labels: list[str], width: int) -> None:
    shown = distinct(labels, width)
    assert all(len(label) <= width for label in shown)
    assert len(set(shown)) == len(set(labels))


def test_what_labels_share_gives_way_and_what_differs_stays() -> None:
    short, long = distinct(["Meta-Llama-3-8B-Instruct", "Meta-Llama-3-70B-Instruct"], 15)
    assert "3-8B" in short
    assert "3-70B" in long
    seeds = distinct([f"MiniLM + qwen x naive, seed {seed}" for seed in (1, 2, 10)], 12)
    assert [label[-7:] for label in seeds] == [" seed 1", " seed 2", "seed 10"]


def test_one_long_label_loses_its_middle() -> None:
    assert distinct(["abcdefghijklmnop"], 9) == ["abcd…mnop"]
