"""The options that a command line gives its runs are those of version 0.1.0; errors of bad ones are as written down.

Values out of bounds name field, value and bound since specs check them; all other errors are those of version 0.1.0.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from syncse_local.specs.kinds import KINDS
from tests.unit.command_lines import LINES, REPO, WRONG, error_of, home, runs_of

SHARING = {
    "generate notes.txt --recipe syncse-partial --threads 1 --n-ctx 2048 --backend-option n_seq=4 --backend-option kv_type=f32",
    "generate notes.txt --recipe shared.toml --generator two --shard 02/8",
    "run notes.txt --recipe shared.toml --no-filters --shard 1/3 --backend-option n_seq=4 --n-ctx 2048",
}
"""Lines whose recipes have exemplars: since contexts follow the rows, their runs have a key more, and only it is new."""
WRITTEN: dict[str, Any] = json.loads((REPO / "tests" / "fixtures" / "options-0.1.0.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("line", LINES)
def test_a_run_is_told_what_it_was_told_before(line: str, tmp_path: Path) -> None:
    with home(tmp_path):
        found = runs_of(line, tmp_path)
    assert found
    settled = [options.pop("contexts", None) for kind, _, options in found if kind == "generate"]
    assert settled == [8 if line in SHARING else None] * len(settled)
    assert json.dumps(found, sort_keys=True) == json.dumps(WRITTEN[line], sort_keys=True)  # as text: 1 is not 1.0


@pytest.mark.parametrize("line", WRONG)
def test_an_error_says_what_it_said_before(line: str, tmp_path: Path) -> None:
    with home(tmp_path):
        assert error_of(line, tmp_path) == WRITTEN[line]


@pytest.mark.parametrize("line", LINES)
def test_a_spec_reads_and_writes_the_options_of_before(line: str) -> None:
    for kind, _, options in WRITTEN[line]:
        tables = {name: {"hash": options[name]} for name in {"recipe", "filters"} & set(options)}
        told = {**options, **tables}
        assert json.dumps(KINDS[kind].of(told, strict=True).to_options(), sort_keys=True) == json.dumps(
            told, sort_keys=True
        )
