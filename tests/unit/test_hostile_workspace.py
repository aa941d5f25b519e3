"""A workspace from a stranger, as `syncse merge` takes them: whatever its texts hold, no verb prints what a terminal obeys."""

import json
from pathlib import Path

import pytest

from syncse_local.api import Workspace
from syncse_local.cli.main import main
from syncse_local.errors import SyncseError
from syncse_local.store import filtering, runs
from syncse_local.store.filtering import VerdictRow
from syncse_local.text.display import hidden, is_mark
from tests.unit.eval_runs import evaluated
from tests.unit.test_filtering import fill

EVIL = "e\x1b[31m\x9b\x07\u202e\u200b\ufe0f\u0378\uffff" + "\u0335" * 9
TEXTS = {
    "run": ("name",),
    "request": ("prompt_id", "context_id", "turn", "genre"),
    "response": ("text", "finish", "error"),
    "parse": ("text",),
    "decision": ("reason", "author"),
    "sentence": ("text", "source"),
    "verdict": ("filter", "reason"),
    "review": ("author", "note"),
    "score": ("model",),
}
"""Columns that a stranger may have filled with anything."""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A generate run, a failed one, an evaluation and a training, with the texts of all of them made evil."""
    with Workspace(tmp_path / "w") as made:
        connection = made.connection
        run = runs.create(connection, "generate", {"model": EVIL, "input": EVIL})
        fill(connection, run.id)
        runs.move(connection, run.id, "queued", "running")
        runs.set_progress(connection, run.id, {"done": 4, "total": 8, "task": EVIL, "accepted": 1})
        runs.add_event(connection, run.id, "warning", {"text": EVIL})
        runs.add_event(connection, run.id, EVIL, {EVIL: EVIL})
        runs.finish(connection, run.id, "done", None, **{EVIL: EVIL})
        filtering.record(connection, run.id, {EVIL: EVIL}, "h", {}, 3, [VerdictRow(0, "length", 1, "drop", 1.0, EVIL)])
        made.review(run.id, 2, "edit", f"{EVIL} a", f"{EVIL} b", note=EVIL, author="ana")
        made.review(run.id, 4, "accept", author="ben")
        broken = runs.create(connection, "train", {"output": EVIL})
        runs.move(connection, broken.id, "queued", "running")
        runs.finish(connection, broken.id, "failed", SyncseError(EVIL, EVIL, EVIL))
        evaluated(connection, EVIL, {("STSB", "spearman"): 0.5}, missing={EVIL: EVIL}, notes={EVIL: [EVIL]})
        for table, columns in TEXTS.items():
            for column in columns:
                connection.execute(f"UPDATE {table} SET {column} = {column} || ?", (EVIL,))
        made.refresh_triplets(run.id)
    (tmp_path / "w" / "runs" / run.id).mkdir(parents=True)
    (tmp_path / "w" / "runs" / run.id / "log").write_text(f"{EVIL}\n", encoding="utf-8")
    return tmp_path / "w"


def ids(workspace: Path) -> dict[str, str]:
    """The newest run of each kind."""
    with Workspace(workspace) as opened:
        return {run.kind: run.id for run in opened.runs()}


@pytest.mark.parametrize(
    "words",
    [
        "runs", "show GENERATE", "show GENERATE --raw", "show GENERATE --log", "show GENERATE --follow", "show TRAIN",
        "show EVAL", "triplets GENERATE", "triplets GENERATE --count", "triplets GENERATE 0",
        "triplets GENERATE 2", "review GENERATE --list", "review GENERATE --agreement", "results EVAL",
        "results EVAL --format markdown", "results EVAL --format csv", "resume EVAL",
    ],
)  # fmt: skip
def test_no_verb_prints_what_a_terminal_obeys(words: str, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = ids(workspace)
    code = main(
        [*(known.get(word.lower(), word) if word.isupper() else word for word in words.split()), "-w", str(workspace)]
    )
    out, err = capsys.readouterr()
    printed = (out + err).replace("\n", "")
    assert printed
    assert code != 2, err
    assert not [char for char in printed if hidden(char) or char == "\ufe0f"]
    assert not any(all(map(is_mark, printed[i : i + 4])) for i in range(len(printed) - 4))


def test_the_texts_are_in_what_programs_read(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON is escaped by its own rules, and nothing is lost in it."""
    assert main(["runs", "--json", "-w", str(workspace)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(EVIL in row["name"] for row in rows)
