"""A workspace may be named before the verb, as in other tools; the words are put in the order that the parser takes."""

import pytest

from syncse_local.cli.main import build
from syncse_local.cli.program import verb_first


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([], []),
        (["runs", "-w", "x"], ["runs", "-w", "x"]),
        (["--workspace", "x", "runs", "--json"], ["runs", "--workspace", "x", "--json"]),
        (["--workspace=x", "runs"], ["runs", "--workspace=x"]),
        (["-w", "x"], ["tui", "-w", "x"]),
        (["-w", "x", "--airgap"], ["tui", "-w", "x", "--airgap"]),
        (["-h"], ["-h"]),
    ],
)
def test_the_verb_comes_first(given: list[str], wanted: list[str]) -> None:
    assert verb_first(given) == wanted
    if wanted and wanted != ["-h"]:
        assert build().parse_args(wanted).workspace == "x"


def test_a_workspace_without_a_name_is_left_to_the_parser() -> None:
    assert verb_first(["--workspace"]) == ["tui", "--workspace"]
