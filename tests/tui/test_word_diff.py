"""Words that differ, and pages in memory: nothing is lost, whatever the texts and wherever one looks."""

from hypothesis import given
from hypothesis import strategies as st

from tui.page_cache import KEPT, PAGE, Pages
from tui.word_diff import MOST_WORDS, compare

TEXT = st.one_of(
    st.text(max_size=60), st.lists(st.sampled_from("a man plays the Guitar . don't 漢字".split())).map(" ".join)
)


@given(TEXT, TEXT)
def test_the_pieces_are_the_text_and_what_is_gone_is_of_the_sentence(sentence: str, text: str) -> None:
    found = compare(sentence, text)
    assert "".join(piece.text for piece in found.pieces) == text
    assert all(words in sentence for words in found.gone)
    assert not any(piece.new for piece in compare(text, text).pieces)


def test_new_and_gone_words_are_told() -> None:
    found = compare("A man plays the guitar.", "a Woman plays guitar loudly.")
    assert [piece.text for piece in found.pieces if piece.new] == ["Woman", "loudly"]
    assert found.gone == ("man", "the")
    long = "word " * (MOST_WORDS + 1)
    assert compare(long, long + "more").pieces == ((long + "more", False),)


@given(st.lists(st.integers(0, 99), min_size=1, max_size=120))
def test_pages_give_the_rows_that_were_put_and_ask_for_the_others(looked_at: list[int]) -> None:
    pages = Pages()
    pages.total = 100 * PAGE
    for number in looked_at:
        for missing in pages.missing(number * PAGE, number * PAGE + 5):
            pages.put(missing, [{"ordinal": missing * PAGE + i, "state": ""} for i in range(PAGE)])
        row = pages.row(number * PAGE + 5)
        assert row is not None
        assert row["ordinal"] == number * PAGE + 5
    pages.change(looked_at[-1] * PAGE, state="accepted")
    row = pages.row(looked_at[-1] * PAGE)
    assert row is not None
    assert row["state"] == "accepted"
    assert sum(pages.row(number * PAGE) is not None for number in range(100)) == min(KEPT, len(set(looked_at)))
    assert pages.missing(pages.total + 5, pages.total + 9) in ([], [99])
