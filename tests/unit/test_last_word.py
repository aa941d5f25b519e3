"""Who has the last word on a triplet: Python and SQL say the same of every combination of parser, filters and persons."""

import sqlite3
from itertools import product

import pytest

from syncse_local.store import last_word

COLUMNS = (
    *("positive", "negative", "edited_positive", "edited_negative", "review", "positive_verdict", "negative_verdict"),
    *("positive_reason", "negative_reason", "dropped_by", "swapped", "accepted"),
)
CASES = [
    ("p", "n", "ep", "en", review, one, two, "copy", "loop", dropped, swapped, one == two == "accept")
    for review, one, two, dropped, swapped in product(
        ("", "accept", "reject", "edit"),
        ("accept", "reject", "unanswered"),
        ("accept", "reject"),
        ("", "length lexical"),
        (0, 1),
    )
]


def row_of(case: tuple[object, ...]) -> sqlite3.Row:
    """The case as a row of the view."""
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    columns = ", ".join(f"? AS {name}" for name in COLUMNS)
    conditions = f"SELECT *, ({last_word.counts()}) AS counts, ({last_word.counts(False)}) AS unfiltered"
    row: sqlite3.Row = connection.execute(f"{conditions} FROM (SELECT {columns})", case).fetchone()
    connection.close()
    return row


@pytest.mark.parametrize("case", CASES, ids=str)
def test_sql_and_python_agree(case: tuple[object, ...]) -> None:
    row = row_of(case)
    for filtered, counts in ((True, row["counts"]), (False, row["unfiltered"])):
        assert (last_word.standing(row, filtered)["state"] == "accepted") == bool(counts)


@pytest.mark.parametrize(
    ("review", "verdict", "dropped", "state", "reason"),
    [
        ("accept", "reject", "length", "accepted", "person"),
        ("edit", "reject", "length", "accepted", "edited"),
        ("reject", "accept", "", "rejected", "person"),
        ("", "reject", "length", "rejected", "copy"),
        ("", "accept", "length lexical", "dropped", "length"),
        ("", "accept", "", "accepted", ""),
    ],
)
def test_a_person_comes_before_the_parser_and_the_parser_before_filters(
    review: str, verdict: str, dropped: str, state: str, reason: str
) -> None:
    case = ("p", "n", "ep", "en", review, verdict, "accept", "copy", "", dropped, 1, verdict == "accept")
    found = last_word.standing(row_of(case))
    assert (found["state"], found["reason"]) == (state, reason)
    expected = ("ep", "en") if review == "edit" else ("n", "p")
    assert (found["positive"], found["negative"]) == expected


def test_filters_exchange_only_where_they_count() -> None:
    row = row_of(("p", "n", "", "", "", "accept", "accept", "", "", "", 1, 1))
    assert last_word.texts(row, filtered=False) == ("p", "n")
    assert last_word.texts(row) == ("n", "p")
    assert [last_word.is_exchanged(row, filtered) for filtered in (True, False)] == [True, False]
