"""A study end to end on the echo engine and the starter encoder: killed, gone on with, reported; an arm may fail."""

import json
import random
import re
import time
from pathlib import Path

import pytest

from syncse_local.api import Workspace
from syncse_local.store import runs
from syncse_local.study.carry import PILOT, Carrier, opened
from syncse_local.study.forecast import forecast
from syncse_local.study.page import page
from tests.conftest import REPO, Cli

FILE = """
version = 1
name = "small"
seeds = [1]
generators = [{{ name = "echo", backend = "echo" }}]
[input]
file = "{file}"
[factors]
size = [10, 40]
[baselines]
human = "{human}"
[training]
max_steps = 2
batch_size = 8
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the study, run to its end after it was killed at three random moments."""
    folder = tmp_path_factory.mktemp("study")
    lines = (REPO / "models" / "starter-sentences" / "sentences.txt").read_text(encoding="utf-8").splitlines()[:60]
    source = folder / "notes.txt"
    source.write_text("\n".join(["<script>alert(1)</script> is what she wrote down.", *lines]), encoding="utf-8")
    human = folder / "human.jsonl"
    human.write_text(
        json.dumps({"anchor": "A dog.", "positive": "A hound.", "negative": "A cat."}) + "\n", encoding="utf-8"
    )
    cli = Cli(folder / "w")
    study = cli.workspace / "studies" / "small" / "study.toml"
    study.parent.mkdir(parents=True)
    study.write_text(FILE.format(file=source, human=human), encoding="utf-8")
    chance = random.Random(7)
    for _ in range(3):
        process = cli.start("study", "run", "small")
        time.sleep(chance.uniform(2, 8))
        process.kill()
        process.wait()
    ended = cli("study", "run", "small")
    assert ended.returncode == 1, ended.stderr  # one human triplet makes no batch
    return cli.workspace


def test_a_killed_study_does_nothing_twice_and_goes_on(done: Path) -> None:
    with Workspace(done) as workspace:
        names = [run.name for run in runs.recent(workspace.connection, 1000)]
        assert len(set(names)) == len(names)
        before = workspace.study("small")
        again = workspace.run_study("small")
        assert [arm["evaluate"] for arm in again["arms"]] == [arm["evaluate"] for arm in before["arms"]]
        states = {arm["arm"]: arm["state"] for arm in again["arms"]}
        assert states == {
            "untrained": "done",
            "human": "failed",
            "echo n=10": "done",
            "echo n=40": "done",
        }


def test_arms_are_trained_on_what_they_say_and_never_on_what_is_kept_apart(done: Path) -> None:
    with Workspace(done) as workspace:
        study = opened(workspace, "small")
        parts = Carrier(workspace, study).parts
        held = set(parts.held_out.read_text(encoding="utf-8").splitlines())
        assert held
        for arm in workspace.study("small")["arms"]:
            for scores in arm["scores"].values():
                tasks = {score["task"] for score in scores}
                assert {"starter", "triplets:held-out.jsonl", "retrieval:held-out.jsonl"} <= tasks
            if arm["generate"]:
                assert held.isdisjoint(row["sentence"] for row in workspace.triplets([arm["generate"]]))
            for run in arm["train"].values():
                assert workspace.run(run).result["triplets"] == arm["size"]


def test_the_page_stands_alone_and_shows_strangers_text_as_text(done: Path) -> None:
    with Workspace(done) as workspace:
        made = page(workspace, opened(workspace, "small"), workspace.study("small"))
    assert "<script" not in made
    assert not re.search(r"(src|href)=", made)
    assert "url(" not in made
    assert "cannot tell" in made
    assert "Too few triplets" in made
    assert "prefers-color-scheme: dark" in made


def test_what_a_person_reads_and_a_program_reads_is_the_same(done: Path) -> None:
    cli = Cli(done)
    told = json.loads(cli("study", "show", "small", "--json").stdout)
    assert {arm["arm"] for arm in told["arms"]} == {arm["arm"] for arm in told["arms"] if arm["state"]}
    latex = cli("study", "report", "small", "--latex").stdout
    assert latex.startswith("% ")
    assert r"\begin{tabular}" in latex
    listed = json.loads(cli("study", "list", "--json").stdout)
    assert listed == [{"name": "small", "arms": 4, "done": 3, "failed": 1}]


def test_what_would_fail_after_hours_fails_at_once(done: Path, tmp_path: Path) -> None:
    cli = Cli(done)
    study = done / "studies" / "big" / "study.toml"
    study.parent.mkdir()
    told = (done / "studies" / "small" / "study.toml").read_text(encoding="utf-8").replace('"small"', '"big"')
    study.write_text(told.replace("[10, 40]", "[100000]"), encoding="utf-8")
    assert "Size too large" in cli("study", "run", "big").stderr
    held = next((done / "splits").glob("*/held-out.txt")).read_text(encoding="utf-8").splitlines()[0]
    human = tmp_path / "human.jsonl"
    human.write_text(json.dumps({"anchor": held, "positive": "p", "negative": "n"}) + "\n", encoding="utf-8")
    study.write_text(re.sub('human = ".*"', f'human = "{human}"', told), encoding="utf-8")
    assert "Trained on what it is tested on" in cli("study", "check", "big").stderr
    study.unlink()
    study.parent.rmdir()


def test_a_pilot_makes_the_forecast_and_its_answers_are_not_asked_again(tmp_path: Path, sentences: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        study = tmp_path / "w" / "studies" / "small" / "study.toml"
        study.parent.mkdir(parents=True)
        text = FILE.format(file=sentences, human="x").replace("[10, 40]", "[10]").replace("human", "# human")
        study.write_text(text, encoding="utf-8")
        carrier = Carrier(workspace, opened(workspace, "small"))
        assert forecast(carrier)["seconds"] is None
        carrier.pilot()
        found = forecast(carrier)
        assert found["seconds"] > 0
        assert found["tokens"] > 0
        (pilot,) = runs.recent(workspace.connection)
        assert workspace.counts(pilot.id)["answered"] == 2 * min(PILOT, carrier.parts.sentences) * next(
            iter(carrier.samples.values())
        )
