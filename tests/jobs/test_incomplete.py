"""Runs whose server fails for a while: incomplete with the reason, then whole; nothing is lost, nothing is asked twice."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from syncse_local import paths
from syncse_local.api import Workspace
from syncse_local.errors import ExitCode
from syncse_local.synthesis.answering import JUDGED
from syncse_local.synthesis.recipe import load_pools, load_recipe
from tests.conftest import Cli
from tests.contract.faulty_server import FaultyServer
from tests.jobs.helpers import wait

Serve = Callable[..., FaultyServer]
QUICK = ("--backend-option", "backoff_s=0.01", "--backend-option", "retries=1", "--backend-option", "concurrency=4")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts faulty servers and ends them afterwards."""
    made: list[FaultyServer] = []

    def start(**given: Any) -> FaultyServer:
        made.append(FaultyServer(**given))
        return made[-1]

    yield start
    for server in made:
        if not server.dead:
            server.die()


def generate(server: FaultyServer, source: Path, *more: str) -> tuple[str, ...]:
    """The command line of a run with this server."""
    served = ("--backend", "openai_compat", "--model", "tiny", "--base-url", server.url)
    return ("generate", str(source), "--limit", "10", *served, *QUICK, *more)


def run_ids(cli: Cli) -> list[str]:
    """The workspace's runs, the newest first."""
    return [json.loads(line)["id"] for line in cli("runs", "--json").stdout.splitlines()]


def test_a_server_that_fails_for_a_while(serve: Serve, cli: Cli, sentences: Path) -> None:
    server = serve(failing="500", failing_share=0.5)
    ended = cli(*generate(server, sentences))
    assert ended.returncode == ExitCode.FAILED
    (run,) = run_ids(cli)
    answered = len(server.answered)
    assert 0 < answered < 20
    assert f"{20 - answered} of 20 requests have no answer: HTTP 500 {20 - answered}" in ended.stderr
    assert "boom" in ended.stderr
    assert f"syncse resume {run}" in ended.stderr
    shown = cli("show", run).stdout
    assert "incomplete" in shown
    assert f"no answer: {20 - answered} HTTP 500" in shown
    assert cli("show", run, "--raw").stdout.count("HTTP 500: boom") == 20 - answered
    unanswered = json.loads(cli("show", run, "--json").stdout)["unanswered"]
    assert [(kind["kind"], kind["requests"]) for kind in unanswered] == [("HTTP 500", 20 - answered)]
    server.failing = ""
    resumed = cli("resume", run)
    assert resumed.returncode == 0, resumed.stderr
    assert set(server.answered.values()) == {1}  # no row was asked again that had an answer
    assert len(server.answered) == 20
    again = cli(*generate(server, sentences))
    assert (again.returncode, sum(server.answered.values())) == (0, 20)


def test_the_same_command_asks_for_what_is_missing(serve: Serve, cli: Cli, sentences: Path) -> None:
    server = serve(failing="garbage", failing_share=0.3)
    assert cli(*generate(server, sentences)).returncode == ExitCode.FAILED
    answered = dict(server.answered)
    server.failing = ""
    assert cli(*generate(server, sentences)).returncode == 0
    assert len(answered) < 20
    assert set(server.answered.values()) == {1}


def test_one_triplet_says_what_it_lacks(serve: Serve, cli: Cli, sentences: Path) -> None:
    server = serve(failing="500", failing_share=0.5)
    cli(*generate(server, sentences))
    (run,) = run_ids(cli)
    workspace = Workspace(cli.workspace)
    places = [n for n in range(0, 20, 2) if workspace.triplet(run, n)["state"] == "unanswered"]
    assert places
    shown = cli("triplets", run, str(places[0])).stdout
    assert f"triplet {places[0]} of {run}: unanswered HTTP 500" in shown
    assert "HTTP 500: boom" in shown


def test_a_server_that_always_fails_is_not_hammered(serve: Serve, cli: Cli, sentences: Path) -> None:
    server = serve(failing="500", failing_share=1.0)
    ended = cli(*generate(server, sentences, "--limit", "40"))
    assert ended.returncode == ExitCode.FAILED
    assert "20 requests in a row" in ended.stderr
    assert "not asked yet" in ended.stderr
    assert sum(server.met.values()) < 60


def test_an_incomplete_run_can_be_exported_and_trained_on(
    serve: Serve, cli: Cli, sentences: Path, tmp_path: Path
) -> None:
    server = serve(failing="500", failing_share=0.4)
    cli(*generate(server, sentences, "--limit", "40"))
    (run,) = run_ids(cli)
    exported = cli("export", run, str(tmp_path / "t.csv"))
    assert exported.returncode == 0
    assert f"{run} is not complete" in exported.stderr
    trained = cli("train", "--from", run, "--max-steps", "1", "--dev", "--batch-size", "2")
    assert trained.returncode == 0, trained.stderr
    assert f"warning: {run} is not complete" in trained.stderr


def test_a_step_of_several_goes_on_where_it_lacks_answers(serve: Serve, cli: Cli, sentences: Path) -> None:
    server = serve(failing="500", failing_share=0.5)
    cli(*generate(server, sentences))
    workspace = Workspace(cli.workspace)
    options = workspace.run(run_ids(cli)[0]).options
    first = wait(workspace, workspace.ensure("generate", options, "step").id)
    assert first.state == "incomplete"
    server.failing = ""
    again = workspace.ensure("generate", options, "step")
    assert again.id == first.id
    assert wait(workspace, again.id).state == "done"
    assert workspace.ensure("generate", options, "step").state == "done"


def test_a_grammar_with_mistakes_is_said_once_and_not_asked_again(tmp_path: Path, sentences: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    recipe = load_recipe("starter").with_changes(grammar="root ::= (((")
    options = {
        "recipe": recipe.to_dict(),
        "pools_hash": load_pools(recipe).hash,
        "backend": "llamacpp",
        "model": str(paths.starter_llm()),
        "backend_options": {"threads": 1},
        "input": str(sentences),
    }
    run = wait(workspace, workspace.start("generate", options).id)
    assert run.state == "failed"
    assert str(run.error).count("The grammar cannot be read") == 1
    assert {row["kind"] for row in workspace.unanswered(run.id)} == {"not asked yet"}
    assert set(workspace.failures(run.id)) == {"refused"}
    final = workspace.counts(run.id)["answered"]
    assert JUDGED <= final < 80
    again = wait(workspace, workspace.resume(run.id).id)
    assert workspace.counts(again.id)["answered"] == 80
    assert set(workspace.failures(again.id)) == {"refused"}


def test_a_server_that_drops_the_system_turn_is_noticed(serve: Serve, cli: Cli, sentences: Path) -> None:
    server = serve()
    server.drops_system = True
    ended = cli(*generate(server, sentences))
    assert ended.returncode == 0
    (run,) = run_ids(cli)
    for shown in (ended.stderr, cli("show", run).stdout):
        assert "warning: The positive equals the hard negative in 10 of 10 triplets" in shown
