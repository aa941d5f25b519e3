"""All about one triplet: its prompts are made again as they were sent, and only where they can be."""

import json
from pathlib import Path
from typing import Any

import pytest

from syncse_local.api import Workspace
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Completion
from syncse_local.store import filtering, ledger, runs
from syncse_local.store.filtering import VerdictRow
from syncse_local.synthesis.plan import EngineIdentity, context_of, plan_pairs, row_of
from syncse_local.synthesis.recipe import load_pools, load_recipe

SENTENCE = "A man  plays a guitar."


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """One triplet as the recipe syncse-partial plans it, swapped by a filter."""
    made = Workspace(tmp_path / "w")
    recipe = load_recipe("syncse-partial").with_changes(samples=1)
    options = {"recipe": recipe.to_dict(), "pools_hash": load_pools(recipe).hash}
    run = runs.create(made.connection, "generate", options, "made")
    ledger.add_sentences(made.connection, [("s", SENTENCE, "notes.csv")])
    planned = list(plan_pairs(recipe, load_pools(recipe), [("s", SENTENCE)], EngineIdentity("0", "llamacpp", "1")))
    ledger.add_plan(
        made.connection,
        run.id,
        [
            ledger.Planned(
                *(row.key, row.ordinal, "s", row.role, 0, row.prompt_id, row.context_id),
                *(row_of(recipe, row, SENTENCE).turn, row.seed),
            )
            for row in planned
        ],
    )
    answers = [
        ledger.Answered(
            Completion(row.key, f"<raw> {row.role}", "stop", 300, 280, 9, 0.5), 3, [ledger.Outcome(row.role, None)]
        )
        for row in planned
    ]
    ledger.add_answers(made.connection, answers)
    verdict = VerdictRow(planned[0].ordinal, "overlap", 2, "swap", 0.75, "nearer")
    filtering.record(made.connection, run.id, {}, "h", {}, 1, [verdict])
    return made


def found(workspace: Workspace) -> dict[str, Any]:
    """All about the one triplet."""
    run = workspace.runs()[0].id
    workspace.refresh_triplets(run)
    (ordinal,) = workspace.connection.execute("SELECT ordinal FROM card").fetchone()
    return workspace.triplet(run, ordinal)


def test_prompts_are_what_was_sent(workspace: Workspace) -> None:
    data = found(workspace)
    recipe = load_recipe("syncse-partial").with_changes(samples=1)
    for half in data["halves"]:
        sent = context_of(recipe, load_pools(recipe), half["context_id"])
        assert [m["content"] for m in half["messages"][:-1]] == [message.content for message in sent]
        assert len(half["messages"]) == 2 + 2 * recipe.shots
        assert half["messages"][-1] == {"role": "user", "content": "A man plays a guitar."}
    assert [half["raw"] for half in data["halves"]] == ["<raw> positive", "<raw> negative"]
    assert (data["positive"], data["negative"], data["state"]) == ("negative", "positive", "accepted")
    assert data["filters"] == [{"filter": "overlap", "verdict": "swap", "score": 0.75, "reason": "nearer"}]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"pools_hash": "other"}, "The prompt pools have changed since this run was planned."),
        ({"recipe": {}}, ""),
        ({"recipe": None}, ""),
        ({}, "The run names no recipe that has this prompt."),
    ],
)
def test_a_prompt_that_cannot_be_made_again_is_not_guessed(
    workspace: Workspace, change: dict[str, Any], note: str
) -> None:
    run = workspace.runs()[0]
    options = {**run.options, **change} if change else {}
    workspace.connection.execute("UPDATE run SET options = ?", (json.dumps(options),))
    for half in found(workspace)["halves"]:
        assert half["messages"] == []
        assert half["note"] == note or (half["note"] and not note)


def test_a_number_that_is_none_is_a_usage_error(workspace: Workspace) -> None:
    with pytest.raises(SyncseError) as caught:
        workspace.triplet(workspace.runs()[0].id, 77)
    assert caught.value.code == ExitCode.USAGE
