"""The model card: what it says of a record, and that nothing in the record becomes markup."""

import copy
import re
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from syncse_local.training.card import render
from syncse_local.training.markdown import code
from syncse_local.training.places import without_places

HOSTILE = "x`| <script>alert(1)</script> [a](http://evil) \n# H1 ``` \x1b[31m \u202e {{7*7}} ---"
RECORD: dict[str, Any] = {
    "run": "t1124-000001",
    "name": "mine",
    "trained": 0.0,
    "encoder": {"path": "/models/base", "sha256": "ab" * 32, "licence": "apache-2.0"},
    "dev": {"STSB-dev": 1500, "SICKR-dev": 500},
    "training": {"seed": 42, "precision": "fp32", "pooling": "cls", "unsupervised": False},
    "hardware": {
        "processor": "CPU",
        "cores": 2,
        "memory": 2**34,
        "gpus": [],
        "device": "cpu",
        "system": "Linux",
        "versions": {"syncse-local": "0.1.0"},
    },
    "data": [
        {
            "kind": "run",
            "id": "g1124-000002",
            "rows": 80,
            "recipe": {"name": "starter", "mode": "partial", "samples": 1, "seed": 1, "hash": "cd" * 32},
            "pools_hash": "ef" * 32,
            "plan_hash": "01" * 32,
            "generators": [
                {"model": "/m.gguf", "model_sha256": "23" * 32, "licence": "", "backend": "llamacpp", "version": "1"}
            ],
            "input": {"input": "/notes.txt", "input_sha256": "45" * 32},
            "counts": {"planned": 200, "answered": 200, "accepted": 190, "triplets": 95},
            "rejected": {"copy": 10},
            "filters": {"kept": 80, "judged": 95, "params_hash": "67" * 32, "filters": {"lexical": {"drop": 15}}},
        },
        {"kind": "file", "path": "/human.csv", "sha256": "89" * 32, "mapping": "csv", "rows": 7},
    ],
    "scores": [
        {"run": "e1", "task": "STS12", "metric": "spearman", "value": 0.5, "pairs": 3108, "interval": [0.48, 0.52]},
        {"run": "e1", "task": "STS13", "metric": "spearman", "value": None, "pairs": 1500, "interval": None},
    ],
    "energy": {"CPU package-0 (RAPL)": 7200.0},
    "result": {
        "triplets": 87,
        "steps": 10,
        "best_step": 5,
        "best_score": 0.75,
        "best_parts": {"STSB-dev": 0.8, "SICKR-dev": 0.7},
        "intervals": {"STSB-dev": (0.78, 0.82), "mean": (0.72, 0.78)},
        "final_loss": 1.25,
        "seconds": 12.0,
        "wall_seconds": 20.0,
        "triplets_per_second": 7.0,
        "stopped_early": True,
        "contaminated": 3,
        "contaminated_kept": False,
        "contamination_checked": ["starter"],
        "contamination_unchecked": {"STS14": "cut short"},
    },
}


def test_the_card_says_what_the_record_knows() -> None:
    text = render(RECORD)
    front = yaml.safe_load(text.split("---")[1])
    assert front["library_name"] == "sentence-transformers"
    assert "license" not in front  # for whoever passes it on to decide
    for digest in ("ab", "cd", "ef", "01", "23", "45", "67", "89"):
        assert digest * 32 in text
    for line in (
        "| `STSB-dev` | spearman (dev) | 80.00 | 78.00 to 82.00 | 1500 |",
        "| `SICKR-dev` | spearman (dev) | 70.00 | none stored with this score | 500 |",
        "| `mean` | spearman (dev) | 75.00 | 72.00 to 78.00 | 2000 |",
        "| `STS12` | `spearman` | 50.00 | 48.00 to 52.00 | 3108 |",
        "| `STS13` | `spearman` | undefined | none stored with this score | 1500 |",
        "| Filters | 80 kept of 95; `lexical drop` 15; settings `" + "67" * 32 + "` |",
        "| Requests | 200 planned, 200 answered, 190 accepted |",
        "10 steps (stopped early), last loss 1.2500; kept: step 5. Seed of the training: 42.",
        "3 rows share a sentence, or eight words in a row, with an evaluation set: left out.",
        "| Energy | `CPU package-0 (RAPL)` 2.00 Wh: the whole part's, other processes included |",
        "Not readable: `STS14`.",
    ):
        assert line in text
    assert text.count("not stated in its files") == 1


def test_without_dev_scores_or_energy_it_says_so() -> None:
    record = copy.deepcopy(RECORD)
    record["result"] |= {"best_score": None, "best_parts": {}, "intervals": {}}
    text = render({**record, "scores": [], "energy": {}, "dev": {}})
    assert "None: there was no dev set, and no evaluation since." in text
    assert "not readable here" in text


def _poison(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _poison(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_poison(inner) for inner in value]
    return HOSTILE if isinstance(value, str) and value not in ("run", "file") else value


def test_nothing_in_a_record_becomes_markup() -> None:
    text = render(_poison(RECORD))
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text.replace(text.split("\n\n")[2], ""))
    assert "script" in text
    for part in ("script", "evil", "H1", "7*7", "\x1b", "\u202e"):
        assert part not in outside, part
    assert "\x1b" not in text
    assert "\u202e" not in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} <= {3, 6}


@given(st.text(max_size=300))
def test_code_is_one_closed_span(value: str) -> None:
    shown = code(value)
    assert "\n" not in shown
    assert "|" not in shown
    if shown != "(empty)":
        fence = re.match("`+", shown)
        assert fence is not None
        inner = shown[len(fence[0]) : -len(fence[0])]
        assert shown.endswith(fence[0])
        assert fence[0] not in re.findall("`+", inner)
        assert not inner.startswith("`")
        assert not inner.endswith("`")


@pytest.mark.parametrize(("value", "shown"), [("", "(empty)"), ("a", "`a`"), ("`", "`` ` ``"), ("a|b", "`a\\u007cb`")])
def test_code_reads_well(value: str, shown: str) -> None:
    assert code(value) == shown


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/home/someone/models/bert", "bert"),
        ("/home/someone/.cache/huggingface/hub/models--org--some-bert/snapshots/0a1b2c", "org/some-bert"),
        ("relative/path", "relative/path"),
        ("org/model", "org/model"),
        ("/a\n/b", "/a\n/b"),
    ],
)
def test_a_place_becomes_a_name(path: str, name: str) -> None:
    assert without_places({"x": [path, 3, None], "y": {"z": (path,)}}) == {"x": [name, 3, None], "y": {"z": [name]}}
