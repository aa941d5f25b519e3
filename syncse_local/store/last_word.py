"""Who has the last word on a triplet: a person before the parser, the parser before the filters. The only place that says so.

Rows are those of the view `reviewed_triplet`. `counts` is for SQL and `standing` for Python; a test holds that they agree.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

PERSONS = {"accept": ("accepted", "person"), "reject": ("rejected", "person"), "edit": ("accepted", "edited")}
"""A person's decision as (state, reason)."""
BY_PERSONS = ("person", "edited")
"""The reasons that a person gave."""

TripletRow = sqlite3.Row | Mapping[str, Any]


def counts(filtered: bool = True) -> str:
    """The SQL condition for triplets that are accepted; `filtered`: what the run's latest filters drop is not."""
    kept = "accepted AND dropped_by = ''" if filtered else "accepted"
    return f"review <> 'reject' AND (review <> '' OR ({kept}))"


def standing(row: TripletRow, filtered: bool = True) -> dict[str, str]:
    """The texts, state and reason of a triplet as they count now."""
    positive, negative = texts(row, filtered)
    state, reason = _decided(row, filtered)
    return {"positive": positive, "negative": negative, "state": state, "reason": reason}


def texts(row: TripletRow, filtered: bool = True) -> tuple[str, str]:
    """(positive, negative): a person's edit, or what the parser took, exchanged where a filter swaps them."""
    if row["review"] == "edit":
        return row["edited_positive"], row["edited_negative"]
    if is_exchanged(row, filtered):
        return row["negative"], row["positive"]
    return row["positive"], row["negative"]


def is_exchanged(row: TripletRow, filtered: bool = True) -> bool:
    """Whether positive and negative stand exchanged: each was asked for by the other's prompt."""
    return bool(filtered and row["swapped"] and row["review"] != "edit")


def _decided(row: TripletRow, filtered: bool) -> tuple[str, str]:
    if row["review"]:
        return PERSONS[row["review"]]
    for half in ("positive", "negative"):
        if (verdict := row[f"{half}_verdict"]) != "accept":
            return "unanswered" if verdict == "unanswered" else "rejected", row[f"{half}_reason"]
    dropped = str(row["dropped_by"]) if filtered else ""
    return ("dropped", dropped.partition(" ")[0]) if dropped else ("accepted", "")
