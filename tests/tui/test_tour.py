"""The tour and the advice, as the workspace stands: told from runs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from syncse_local.api import Run
from tui.tour import advice, tour

if TYPE_CHECKING:
    from tests.tui.conftest import Rows


def ended(rows: Rows, run_id: str, kind: str, name: str, **result: Any) -> Run:
    from syncse_local.store import runs

    rows.add(run_id, kind, name)
    runs.finish(rows.connection, run_id, "done", **result)
    return rows.state(run_id)


def test_the_tour_follows_the_steps_of_the_starter_run(rows: Rows) -> None:
    assert [step.state for step in tour([], False)] == ["todo"] * 5
    assert tour([], True)[0].state == "running"
    first = ended(rows, "e1", "eval", "evaluate before 0a", spearman={"starter": 0.5, "x": None})
    assert tour([first], False)[0].note == "Spearman x 100: 50.00"
    assert [step.state for step in tour([first], True)][:3] == ["done", "running", "todo"]
    second = ended(rows, "g1", "generate", "generate 0a", triplets=1200)
    third = ended(rows, "t1", "train", "train 0a", best_score=0.6, output="/x/y")
    fourth = ended(rows, "e2", "eval", "evaluate after 0a", spearman={"starter": 0.6})
    steps = tour([fourth, third, second, first], False)
    assert [step.state for step in steps] == ["done"] * 5
    assert [step.note for step in steps[1:]] == ["1,200 triplets", "best dev 0.6", "Spearman x 100: 60.00", "/x/y"]


def test_a_run_that_was_stopped_is_said_to_go_on(rows: Rows) -> None:
    lost = rows.add("t1", "train", "train 0a", state="lost")
    assert tour([lost], False)[2].state == "stopped"
    assert "s resumes it" in tour([lost], False)[2].note
    found = advice([lost], {"t1": "a title"})
    assert found is not None
    assert (found.screen, found.chosen) == ("train", {"run.train": "t1"})
    assert "a title, which is lost; r resumes it" in found.text


@pytest.mark.parametrize(
    ("kind", "screen", "chosen"),
    [
        ("generate", "train", {"runs": "x1"}),
        ("train", "evaluate", {"encoder": "/x/y"}),
        ("eval", "generate", {"input": ""}),
    ],
)
def test_the_advice_leads_from_step_to_step(rows: Rows, kind: str, screen: str, chosen: dict[str, str]) -> None:
    assert advice([]) is None
    found = advice([ended(rows, "x1", kind, "my own", output="/x/y")])
    assert found is not None
    assert (found.screen, found.chosen) == (screen, chosen)


@pytest.mark.parametrize("kind", ["generate", "train", "eval", "odd"])
def test_results_of_any_shape_are_survived(rows: Rows, kind: str) -> None:
    odd: list[dict[str, Any]] = [{}, {"spearman": [1]}, {"spearman": {"x": "y"}, "best_score": [], "output": 7}]
    for number, result in enumerate(odd):
        names = ("evaluate before 0", "generate 0", "train 0")
        found = [ended(rows, f"r{number}{i}", kind, name, **result) for i, name in enumerate(names)]
        assert len(tour(found, False)) == 5
        advice(found)
