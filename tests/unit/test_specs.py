"""Specs: what is read and written is the same, what is wrong is named with its bound, and nothing is given by default."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from syncse_local.api import Workspace
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.specs.kinds import KINDS
from syncse_local.specs.train import TrainSpec

TITLES = "syncse_local/store/titles.py"

OPTIONS: dict[str, Any] = {
    "encoder": "/models/bert",
    "output": "/out",
    "training": {"epochs": 3, "device": "auto", "unsupervised": False},
    "senteval": "",
    "dev": ["STSB-dev"],
    "limit": 0,
    "runs": ["g1", "g2"],
}


def test_options_are_written_as_they_were_read_at_a_default_too() -> None:
    assert TrainSpec.of(OPTIONS).to_options() == OPTIONS


def test_what_is_not_given_and_at_its_default_is_not_written() -> None:
    assert TrainSpec(epochs=3, runs=("g1",)).to_options() == {"runs": ["g1"]}
    assert TrainSpec.asked(epochs=3, runs="g1").to_options() == {"runs": ["g1"], "training": {"epochs": 3}}
    assert TrainSpec.asked(epochs=3, limit=2).without("epochs").to_options() == {"limit": 2}


def test_settings_supply_what_was_not_given() -> None:
    settings = Settings(encoder="mine", device="cpu")
    assert TrainSpec().under(settings).encoder == "mine"
    asked = TrainSpec.asked(encoder="yours").under(settings)
    assert (asked.encoder, asked.device, asked.given) == ("yours", "cpu", frozenset({"encoder"}))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"epochs": 0}, "`epochs` is 0, but must be a whole number of at least 1."),
        ({"epochs": True}, "`epochs` is True, but must be a whole number of at least 1."),
        ({"mlm_rate": 1.0}, "`mlm_rate` is 1.0, but must be a finite number and above 0 and below 1."),
        ({"learning_rate": float("nan")}, "`learning_rate` is nan, but must be a finite number and above 0."),
        ({"precision": "fp8"}, "`precision` is 'fp8', but must be one of auto, fp32, bf16."),
        ({"runs": 7}, "`runs` is 7, but must be text."),
        ({"chunk_tokens": 3}, "`chunk_tokens` is 3, but must be at least max_length (32)."),
    ],
)
def test_a_bad_value_is_named_with_its_bound_and_a_next_step(values: dict[str, Any], says: str) -> None:
    with pytest.raises(SyncseError) as refused:
        TrainSpec.asked(**values)
    assert (refused.value.detail, refused.value.code) == (says, ExitCode.USAGE)
    assert refused.value.hint == f"Change `{next(iter(values))}` and start again."


def test_an_unknown_field_or_key_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(SyncseError, match="'epoch'") as refused:
        TrainSpec.asked(epoch=3)
    assert refused.value.hint == "Did you mean 'epochs'?"
    with pytest.raises(SyncseError, match=r"'training\.epoch'") as refused:
        TrainSpec.of({"training": {"epoch": 3}}, strict=True)
    assert refused.value.hint == "Did you mean 'training.epochs'?"


def test_a_path_is_taken_as_text() -> None:
    assert TrainSpec.asked(encoder=Path("/models/bert")).encoder == "/models/bert"


def test_a_run_that_lacks_what_it_needs_says_so() -> None:
    with pytest.raises(SyncseError, match="`encoder`"):
        TrainSpec.asked(epochs=3).complete()


def test_no_file_of_the_core_reads_an_option_of_a_run_by_its_key(repo: Path) -> None:
    """Options that a stage reads are fields of its spec: what is no field cannot be read. Titles are no stage: they are made of
    rows of any age and shape, so that they read keys; of these each is one that a spec writes."""
    found = [
        f"{path.relative_to(repo)}: {ast.unparse(node)}"
        for path in sorted((repo / "syncse_local").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if _reads_by_key(node)
    ]
    titles = [text.partition(": ")[2] for text in found if text.startswith(TITLES)]
    assert [text for text in found if not text.startswith(TITLES)] == []
    written = {"training", "arms"} | {field.name for spec in KINDS.values() for field in spec.fields()}
    keys = {key for text in titles for key in re.findall(r"options(?:\.get\(|\[)'(\w+)'", text)}
    assert keys
    assert keys <= written


def _reads_by_key(node: ast.AST) -> bool:
    """`X.options["key"]` and `X.options.get("key")`."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == "options"
    called = node.func if isinstance(node, ast.Call) else None
    return (
        isinstance(called, ast.Attribute)
        and called.attr == "get"
        and isinstance(called.value, ast.Attribute)
        and called.value.attr == "options"
    )


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("trian", {}, "'trian'"),
        ("train", {"epochs": 3}, "'epochs'"),
        ("train", {}, "`encoder`"),
        ("train", {"encoder": "e", "output": "o", "runs": ["g"], "data": "f"}, "Exactly one"),
        ("generate", {"input": "notes.txt"}, "`model`"),
        ("generate", {"recipe": "starter", "model": "m"}, "`recipe_data` is 'starter'"),
        ("generate", {"recipe": {"mode": "partial"}, "model": "m"}, "`input`"),
        ("generate", {"recipe": {"mode": "scratch"}, "model": "m"}, "`count`"),
        ("eval", {"encoder": "e", "cache_mb": -1}, "`cache_mb` is -1"),
        ("compare", {"arms": []}, "`arms_data`"),
    ],
)
def test_what_cannot_be_a_run_leaves_none_behind(tmp_path: Path, kind: str, options: dict[str, Any], says: str) -> None:
    with Workspace(tmp_path / "w") as opened:
        with pytest.raises(SyncseError, match=re.escape(says)) as refused:
            opened.start(kind, options)
        assert refused.value.code is ExitCode.USAGE
        assert refused.value.hint
        assert opened.runs() == []
