"""Models that answer nothing of use, as whole jobs: a grammar makes the real starter LLM behave so."""

from pathlib import Path

import pytest

from syncse_local import paths
from syncse_local.api import Workspace
from syncse_local.synthesis.recipe import load_pools, load_recipe
from tests.jobs.helpers import wait

BAD = {"whitespace": 'root ::= " "+', "endless": 'root ::= "the " root'}


def _options(source: Path, grammar: str, **changes: object) -> dict[str, object]:
    recipe = load_recipe("starter").with_changes(grammar=grammar, max_tokens=6)
    return {
        "recipe": recipe.to_dict(),
        "pools_hash": load_pools(recipe).hash,
        "backend": "llamacpp",
        "model": str(paths.starter_llm()),
        "backend_options": {"threads": 1},
        "input": str(source),
        **changes,
    }


@pytest.mark.parametrize("kind", sorted(BAD))
def test_a_useless_model_is_typed_row_by_row(tmp_path: Path, sentences: Path, kind: str) -> None:
    workspace = Workspace(tmp_path / "w")
    run = wait(workspace, workspace.start("generate", _options(sentences, BAD[kind], max_failure_rate=1.0)).id)
    counts = workspace.counts(run.id)
    assert (run.state, counts["answered"], counts["accepted"]) == ("failed", 80, 0)
    failures = workspace.failures(run.id)
    assert (sum(failures.values()), failures["truncated"] > 50) == (80, True)
    assert "No triplet was accepted" in str(run.error)


def test_the_run_ends_early_when_too_much_is_rejected(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    options = _options(paths.starter_sentences(), BAD["whitespace"], max_failure_rate=0.9)
    run = wait(workspace, workspace.start("generate", options).id)
    counts = workspace.counts(run.id)
    assert run.state == "failed"
    assert "Too many rejected answers" in str(run.error)
    assert 50 <= counts["answered"] < counts["planned"] == 4890
    assert sum(workspace.failures(run.id).values()) == counts["answered"]
