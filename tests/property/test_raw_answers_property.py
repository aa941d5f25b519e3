"""Hostile answers through the ledger: the raw text is kept whole, whatever the parser made of it then and makes of it later."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncse_local.records import Completion
from syncse_local.store import ledger, parses, runs
from syncse_local.store.database import connect, storable
from syncse_local.store.faults import rows as faults_of
from syncse_local.synthesis.outcomes import outcomes
from syncse_local.synthesis.parse import PARSER_VERSION
from syncse_local.synthesis.recipe import load_pools, load_recipe
from tests.property.test_parse_property import finishes, hostile

ROLES = ("positive", "negative", "sentence")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    """A store for all examples, and their numbers."""
    path: Path = tmp_path_factory.mktemp("raw") / "syncse.db"
    connection = connect(path)
    yield connection, count()
    connection.close()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(raws=st.lists(st.tuples(hostile, finishes, st.sampled_from(ROLES)), min_size=1, max_size=4))
def test_raw_answers_outlive_every_parse(stored: tuple[Any, Any], raws: list[tuple[str, str, str]]) -> None:
    connection, numbers = stored
    recipe = load_recipe("starter-scratch")
    pools = load_pools(recipe)
    run = runs.create(connection, "generate", {"recipe": recipe.to_dict()})
    contexts = {role: f"{role}/{pools.of(role).prompts[0].id}/0" for role in ROLES}  # type: ignore[arg-type]
    ledger.add_sentences(connection, [("s", "A cat sat.", "made")])
    rows = [
        ledger.Planned(f"k{next(numbers)}", place, "s", role, 0, "p", contexts[role], "A cat sat.", 1)
        for place, (_, _, role) in enumerate(raws)
    ]
    ledger.add_plan(connection, run.id, rows)
    answers = [
        ledger.Answered(
            Completion(row.key, raw, finish),  # type: ignore[arg-type]
            0,
            outcomes(recipe, pools, row, raw, finish),
        )
        for row, (raw, finish, _) in zip(rows, raws, strict=True)
    ]
    stand = [answer.completion.answered for answer in answers]
    assert ledger.add_answers(connection, answers) == sum(stand)
    expected = [
        (storable(raw), finish) if stands else None for (raw, finish, _), stands in zip(raws, stand, strict=True)
    ]
    assert [ledger.answer_to(connection, row.key) for row in rows] == expected
    faults = [text["raw"] for text in faults_of(connection, run.id, len(raws))]
    assert sorted(faults) == sorted(storable(raw) for (raw, *_), stands in zip(raws, stand, strict=True) if not stands)
    for raw, kept in ((raw, found[0]) for (raw, *_), found in zip(raws, expected, strict=True) if found):
        assert len(kept) == len(raw)
        assert all(a == b or "\ud800" <= a <= "\udfff" for a, b in zip(raw, kept, strict=True))
    old = list(parses.older_than(connection, run.id, PARSER_VERSION))
    parses.add(
        connection, PARSER_VERSION, [(each, outcomes(recipe, pools, each.row, each.text, each.finish)) for each in old]
    )
    assert [ledger.answer_to(connection, row.key) for row in rows] == expected
    assert list(parses.older_than(connection, run.id, PARSER_VERSION)) == []
    assert ledger.counts(connection, run.id)["answered"] == sum(stand)
