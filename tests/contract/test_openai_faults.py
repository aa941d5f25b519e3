"""The server backend against servers that go wrong: every row is answered or typed once, and what cannot go on says so."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from syncse_local import paths
from syncse_local.api import OPEN, Workspace
from syncse_local.backends.openai.engine import OpenAICompatBackend
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Completion, Context, Message, Row, Sampling
from syncse_local.synthesis.recipe import load_pools, load_recipe
from tests.conftest import Cli
from tests.contract.faulty_server import FaultyServer, answer_to
from tests.jobs.helpers import process_of, wait

KEY = "sk-very-secret-0123456789"
QUICK = {"timeout_s": 0.5, "backoff_s": 0.01, "patience_s": 60.0}
Serve = Callable[..., FaultyServer]


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


def backend(*servers: FaultyServer, **options: Any) -> OpenAICompatBackend:
    """The backend on these servers, quick to lose patience."""
    return OpenAICompatBackend("tiny", base_urls=[s.url for s in servers], **{**QUICK, **options})


def rows(count: int) -> Context:
    """A context of `count` rows."""
    made = [Row(str(i), f"row number {i}", i, Sampling(max_tokens=8)) for i in range(count)]
    return Context("c", (Message("system", "Say something else."),), made)


def all_of(made: OpenAICompatBackend, count: int) -> list[Completion]:
    """Every answer to `count` rows."""
    return list(made.generate([rows(count)], lambda: False))


def test_a_thousand_rows_with_five_per_cent_faults(serve: Serve) -> None:
    server = serve(share=0.05)
    found = all_of(backend(server, concurrency=16), 1000)
    assert sorted(int(c.key) for c in found) == list(range(1000))
    assert all((c.finish, c.text) == ("stop", answer_to(f"row number {c.key}")) for c in found)
    assert sum(times > 1 for times in server.met.values()) > 20
    assert set(server.answered.values()) <= {0, 1}  # nothing that was answered in full is asked again


def test_two_servers_share_the_rows_and_one_may_die(serve: Serve) -> None:
    first, second = serve(), serve()
    made = backend(first, second, concurrency=2, retries=2)
    found = []
    for completion in made.generate([rows(200)], lambda: False):
        found.append(completion)
        if len(found) == 40:
            first.die()
    assert sorted(int(c.key) for c in found) == list(range(200))
    assert len(second.answered) > 40


@pytest.mark.parametrize("fault", ["500", "cut", "garbage", "html-later", "empty"])
def test_a_row_that_never_works_is_typed_and_the_others_go_on(serve: Serve, fault: str) -> None:
    server = serve()
    made = backend(server, retries=1, timeout_s=0.2)
    server.always = fault.removesuffix("-later")
    found = all_of(made, 4)
    assert [c.finish for c in found] == ["error"] * 4
    assert all("2 attempts" in c.error for c in found)
    server.always = ""
    assert [c.finish for c in all_of(made, 4)] == ["stop"] * 4


def test_whitespace_and_a_prompt_that_is_too_long(serve: Serve) -> None:
    server = serve()
    made = backend(server)
    server.always = "whitespace"
    assert [(c.finish, c.text) for c in all_of(made, 2)] == [("stop", " ")] * 2
    server.always = "long"
    assert [c.finish for c in all_of(made, 2)] == ["refused"] * 2


def test_a_parameter_that_the_server_does_not_take_is_left_out_once(serve: Serve) -> None:
    server = serve()
    server.quirks = {"parameter: FastAPI, seed"}
    made = backend(server)
    assert len(all_of(made, 30)) == 30
    assert len(made.settings()["warnings"]) == 1  # type: ignore[arg-type]


def test_a_refused_key_ends_at_once_and_is_not_repeated(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCSE_API_KEY", KEY)
    with pytest.raises(SyncseError, match="key was refused") as caught:
        backend(serve(always="401"))
    assert caught.value.code == ExitCode.PREFLIGHT
    assert KEY not in caught.value.detail


def test_a_web_page_is_no_server(serve: Serve) -> None:
    with pytest.raises(SyncseError, match="No server can be used") as caught:
        backend(serve(always="html"))
    assert "HTML" in caught.value.detail


def test_an_address_where_nobody_listens(serve: Serve) -> None:
    server = serve()
    server.die()
    with pytest.raises(SyncseError, match="No server can be used") as caught:
        backend(server)
    assert caught.value.code == ExitCode.PREFLIGHT
    assert "refused" in caught.value.detail


def test_another_model_is_named(serve: Serve) -> None:
    server = serve(model="other")
    assert "other" in str(backend(server).settings()["warnings"])


def test_the_ceiling_is_never_crossed(serve: Serve) -> None:
    prices = {"tiny": {"input": 1000.0, "output": 1000.0}}
    made = backend(serve(), prices=prices, max_spend=0.4, concurrency=1)
    found: list[Completion] = []
    with pytest.raises(SyncseError, match="spend ceiling"):
        found.extend(made.generate([rows(200)], lambda: False))
    assert 0 < len(found) < 200
    assert 0 < float(str(made.settings()["spent"])) <= 0.4


@pytest.mark.parametrize(
    ("url", "options", "code"),
    [
        ("https://api.example.com/v1", {}, ExitCode.USAGE),
        ("http://api.example.com/v1", {"allow_remote": True}, ExitCode.USAGE),
        ("http://user:secret@127.0.0.1/v1", {}, ExitCode.USAGE),
    ],
)
def test_servers_that_may_not_be_asked(
    url: str, options: dict[str, Any], code: ExitCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCSE_API_KEY", KEY)
    with pytest.raises(SyncseError) as caught:
        OpenAICompatBackend("tiny", base_urls=[url], **options)
    assert caught.value.code == code
    assert "secret" not in caught.value.detail


def test_a_run_by_the_command_line_leaves_no_key_behind(serve: Serve, cli: Cli, sentences: Path) -> None:
    server = serve(share=0.05)
    arguments = ("generate", str(sentences), "--backend", "openai_compat", "--model", "tiny", "--base-url", server.url)
    done = cli(*arguments, SYNCSE_API_KEY=KEY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.keys == {f"Bearer {KEY}"}
    with closing(sqlite3.connect(cli.workspace / "syncse.db")) as store:
        assert store.execute("SELECT count(*) FROM response").fetchone()[0] == 80
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in cli.workspace.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


def test_a_server_that_goes_away_ends_the_run_and_another_address_goes_on(
    serve: Serve, cli: Cli, sentences: Path
) -> None:
    first, second = serve(dies_after=25), serve()
    arguments = ("generate", str(sentences), "--backend", "openai_compat", "--model", "tiny")
    quick = ("--backend-option", "backoff_s=0.01", "--backend-option", "retries=2", "--backend-option", "concurrency=2")
    ended = cli(*arguments, *quick, "--base-url", first.url)
    assert ended.returncode == ExitCode.FAILED
    assert "do not answer" in ended.stderr + ended.stdout
    with closing(sqlite3.connect(cli.workspace / "syncse.db")) as store:
        kept = store.execute("SELECT count(*) FROM response").fetchone()[0]
    assert 0 < kept < 80
    assert cli(*arguments, *quick, "--base-url", second.url).returncode == 0
    assert sum(second.answered.values()) == 80 - kept


def _options(server: FaultyServer, **changes: object) -> dict[str, object]:
    recipe = load_recipe("starter")
    return {
        "recipe": recipe.to_dict(),
        "pools_hash": load_pools(recipe).hash,
        "backend": "openai_compat",
        "model": "tiny",
        "backend_options": {**QUICK, "base_urls": [server.url], "retries": 2, "concurrency": 2},
        "input": str(paths.starter_sentences()),
        **changes,
    }


def _stored(workspace: Workspace) -> tuple[int, int]:
    """Responses, and the requests that they answer."""
    row = workspace.connection.execute("SELECT count(*), count(DISTINCT request_id) FROM response").fetchone()
    return (row[0], row[1])


def test_a_server_that_comes_back_is_enough_to_resume(serve: Serve, tmp_path: Path) -> None:
    first = serve(dies_after=60)
    workspace = Workspace(tmp_path / "w")
    run = workspace.start("generate", _options(first, limit=100))
    ended = wait(workspace, run.id)
    assert "do not answer" in str(ended.error)
    kept = workspace.counts(run.id)["answered"]
    assert 0 < kept < 200
    again = serve(port=first.server_port, share=0.05)
    workspace.resume(run.id)
    assert wait(workspace, run.id).error is None
    assert _stored(workspace) == (200, 200)
    assert sum(again.answered.values()) == 200 - kept


def test_a_killed_worker_asks_for_what_is_missing(serve: Serve, tmp_path: Path) -> None:
    server = serve(share=0.05)
    workspace = Workspace(tmp_path / "w")
    run = workspace.start("generate", _options(server, limit=600))
    while workspace.counts(run.id)["answered"] == 0:
        assert workspace.run(run.id).state in OPEN, workspace.run(run.id).error
        time.sleep(0.02)
    os.kill(process_of("worker", run.id)[0], signal.SIGKILL)
    assert "SIGKILL" in str(wait(workspace, run.id).error)
    kept = workspace.counts(run.id)["answered"]
    assert 0 < kept < 1200
    workspace.resume(run.id)
    assert wait(workspace, run.id).error is None
    assert _stored(workspace) == (1200, 1200)


def test_remote_servers_need_consent_that_says_what_leaves(cli: Cli, sentences: Path) -> None:
    arguments = ("generate", str(sentences), "--backend", "openai_compat", "--model", "tiny")
    away = ("--base-url", "https://api.example.com/v1")
    refused = cli(*arguments, *away)
    assert refused.returncode == ExitCode.USAGE
    assert "40 sentences in 80 requests" in refused.stderr + refused.stdout
    blocked = cli(*arguments, *away, "--allow-remote", "--airgap")
    assert blocked.returncode == ExitCode.BLOCKED
    assert cli(*arguments).returncode == ExitCode.USAGE
