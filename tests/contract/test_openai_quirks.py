"""The server backend against servers as they are: every quirk is learnt once, or understood, and the rows are answered."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from syncse_local.backends.openai.engine import OpenAICompatBackend
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Completion, Context, Message, Row, Sampling
from tests.contract.faulty_server import FaultyServer, answer_to
from tests.contract.quirks import ANSWERS, LISTS, PARAMETERS, REFUSALS, SYSTEM

QUICK = {"timeout_s": 5.0, "backoff_s": 0.01, "patience_s": 60.0, "retries": 2, "concurrency": 4}
SILENT = {"SGLang, top_k", "a list", "llama-server", "a text", "FastAPI, reasoning_effort", "OpenAI, top_k"}
"""Refusals of what nobody asked for: neutral values, and the names that switch reasoning off."""
BROKEN = {"stream cut off"}
"""Answers that are none."""
Serve = Callable[..., FaultyServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers with quirks and ends them afterwards."""
    made: list[FaultyServer] = []

    def start(*quirks: str, **given: Any) -> FaultyServer:
        settings = {name: given.pop(name) for name in ("lists", "root", "moved", "serial", "thinks") if name in given}
        server = FaultyServer(**given)
        server.quirks = set(quirks)
        for name, value in settings.items():
            setattr(server, name, value)
        made.append(server)
        return server

    yield start
    for server in made:
        if not server.dead:
            server.die()


def backend(*servers: FaultyServer, **options: Any) -> OpenAICompatBackend:
    """The backend on these servers, or on a `url`."""
    urls = [options.pop("url")] if "url" in options else [server.url for server in servers]
    return OpenAICompatBackend("tiny", base_urls=urls, **{**QUICK, **options})


def rows(count: int = 6, **sampling: Any) -> Context:
    """A context of rows with an instruction, an exemplar, and a letter that is two bytes long."""
    prefix = (Message("system", "Say the opposite."), Message("user", "It rains."), Message("assistant", "It is dry."))
    made = [
        Row(str(i), f"Zoë saw {i} seeds in the top_k row.", i, Sampling(**{"stop": ("###",), **sampling}))
        for i in range(count)
    ]
    return Context("c", prefix, made)


def answers(made: OpenAICompatBackend, context: Context | None = None) -> dict[str, Completion]:
    """Every completion by key."""
    found = list(made.generate([context or rows()], lambda: False))
    return {completion.key: completion for completion in found}


def all_right(found: dict[str, Completion], context: Context | None = None) -> bool:
    """Whether every row has its own whole answer."""
    asked = {row.key: row.turn for row in (context or rows()).rows}
    return {key: done.text.rpartition("</think>\n\n")[2] for key, done in found.items()} == {
        key: answer_to(turn) for key, turn in asked.items()
    }


def warnings_of(made: OpenAICompatBackend) -> list[str]:
    """What was learnt that people should know."""
    found: Any = made.settings()["warnings"]
    return [str(text) for text in found]


@pytest.mark.parametrize("name", sorted(SYSTEM))
def test_a_server_without_a_system_turn(serve: Serve, name: str) -> None:
    server = serve(f"system: {name}")
    made = backend(server)
    assert all_right(answers(made))
    assert all_right(answers(made))
    assert len(warnings_of(made)) == 1
    last = server.bodies[-1]["messages"]
    assert last[0] == {"role": "user", "content": "Say the opposite.\n\nIt rains."}
    assert [turn["role"] for turn in last] == ["user", "assistant", "user"]
    assert last[-1]["content"].startswith("Zoë")
    assert len(server.bodies) <= 12 + (2 if name == "without a word" else 1)  # learnt once, with one row in flight
    assert "seed" in server.bodies[-1]


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_a_server_that_does_not_take_a_parameter(serve: Serve, name: str) -> None:
    server = serve(f"parameter: {name}")
    made = backend(server)
    assert all_right(answers(made))
    assert (len(server.bodies), len(warnings_of(made))) == (7, 0 if name in SILENT else 1)
    first, last = server.bodies[0], server.bodies[-1]
    refused = PARAMETERS[name][0]
    assert first.keys() - last.keys() == {refused}
    assert (last.get("max_completion_tokens") == first["max_tokens"]) is (refused == "max_tokens")


def test_a_server_that_refuses_a_parameter_that_was_asked_for_says_so(serve: Serve) -> None:
    made = backend(serve("parameter: OpenAI, top_k"))
    context = rows(top_k=40)
    assert all_right(answers(made, context), context)
    assert "top_k" in warnings_of(made)[0]


def test_each_server_of_a_pool_has_a_dialect_of_its_own(serve: Serve) -> None:
    plain, odd = serve(), serve("system: vLLM", "parameter: FastAPI, seed")
    made = backend(plain, odd, concurrency=2)
    context = rows(60)
    assert all_right(answers(made, context), context)
    assert all(body["messages"][0]["role"] == "system" and "seed" in body for body in plain.bodies)
    assert len(plain.bodies) + len(odd.bodies) == 62
    assert {text.split(": ")[0] for text in warnings_of(made)} == {odd.url}


def test_several_quirks_at_once(serve: Serve) -> None:
    server = serve(
        "system: TGI",
        "parameter: FastAPI, seed",
        "parameter: OpenAI, max_tokens",
        "text content",
        "temperature 0 (TGI)",
        "gzip",
    )
    made = backend(server)
    context = rows(temperature=0.0)
    assert all_right(answers(made, context), context)
    assert len(server.bodies) == 6 + 5
    assert server.bodies[-1]["temperature"] == 0.01
    assert server.bodies[-1]["messages"][-1]["content"][0]["type"] == "text"
    assert len(warnings_of(made)) == 5


def test_a_server_that_does_not_say_what_it_dislikes(serve: Serve) -> None:
    server = serve("parameters without a word")
    made = backend(server)
    assert all_right(answers(made))
    assert "seed" in warnings_of(made)[0]
    assert server.bodies[-1]["messages"][0]["role"] == "system"  # nothing was merged that need not be
    assert len(server.bodies) == 6 + 3


@pytest.mark.parametrize("name", sorted(ANSWERS.keys() - BROKEN))
def test_an_answer_that_is_there_is_taken(serve: Serve, name: str) -> None:
    server = serve(name)
    made = backend(server)
    began = time.monotonic()
    found = answers(made)
    assert all_right(found)
    assert {done.finish for done in found.values()} == {"stop"}
    assert len(server.bodies) == 6
    assert warnings_of(made) == []
    assert time.monotonic() - began < 5  # what is whole is not waited for


def test_a_stream_that_breaks_off_is_no_answer(serve: Serve) -> None:
    found = answers(backend(serve("stream cut off"), retries=0))
    assert {done.fault for done in found.values()} == {"unreadable answer"}


def test_a_thought_is_kept_and_is_no_answer(serve: Serve) -> None:
    found = answers(backend(serve("thought apart")))
    assert found["0"].text.startswith("<think>\nLet me see.\n</think>\n\nNobody")


@pytest.mark.parametrize(
    "thinks",
    [
        {"reasoning_content": "Let me think about it"},
        {"reasoning": "Let me think"},
        {"content": [{"type": "thinking", "thinking": "Hm"}]},
    ],
    ids=["reasoning_content", "reasoning", "parts"],
)
def test_reasoning_without_an_answer_says_so_with_the_next_step(serve: Serve, thinks: dict[str, Any]) -> None:
    found = answers(backend(serve(thinks=thinks)))
    assert {(done.finish, done.text[:8]) for done in found.values()} == {("length", "<think>\n")}
    assert all(
        "spent its 5 tokens on reasoning" in done.error and "--thinking on" in done.error for done in found.values()
    )


def test_reasoning_is_switched_by_the_names_that_servers_have_and_given_room(serve: Serve) -> None:
    server = serve()
    answers(backend(server))
    assert server.bodies[-1]["chat_template_kwargs"] == {"enable_thinking": False, "thinking": False}
    assert (server.bodies[-1]["reasoning_effort"], server.bodies[-1]["max_tokens"]) == ("none", 64)
    answers(backend(server, thinking="on", thinking_tokens=100, extra_body={"think": True}))
    assert server.bodies[-1]["chat_template_kwargs"]["enable_thinking"] is True
    assert (server.bodies[-1]["think"], server.bodies[-1]["max_tokens"]) == (True, 164)
    answers(backend(server, thinking="auto"))
    assert not {"chat_template_kwargs", "reasoning_effort"} & server.bodies[-1].keys()


def test_what_is_asked_beyond_the_recipe_is_part_of_the_identity(serve: Serve) -> None:
    server = serve()
    versions = {
        backend(server, **options).version
        for options in (
            {},
            {"thinking": "on"},
            {"system_turn": "user"},
            {"chat_template_kwargs": {"a": 1}},
            {"reasoning_effort": "low"},
        )
    }
    assert len(versions) == 5
    assert backend(server, concurrency=1, timeout_s=9.0).version == "chat-completions-1"


def test_the_system_turn_can_be_merged_by_hand(serve: Serve) -> None:
    server = serve()
    server.drops_system = True
    answers(backend(server, system_turn="user"))
    assert server.bodies[0]["messages"][0] == {"role": "user", "content": "Say the opposite.\n\nIt rains."}


@pytest.mark.parametrize("name", sorted(LISTS))
def test_a_list_of_models_of_any_shape_or_none(serve: Serve, name: str) -> None:
    server = serve(lists=name)
    made = backend(server)
    assert all_right(answers(made))
    known = name in ("array", "array of names", "data of names", "Ollama's own")
    assert len(warnings_of(made)) == (0 if known else 1)
    assert made.settings()["served_model"] == ("tiny:latest" if name == "Ollama's own" else "tiny")


@pytest.mark.parametrize(
    ("root", "given"),
    [
        ("/v1", ""),
        ("/v1", "/v1/"),
        ("/v1", "/v1/chat/completions"),
        ("", "/v1"),
        ("", ""),
        ("/openai/v1", "/openai"),
        ("/v1", "/api"),
    ],
)
@pytest.mark.parametrize("lists", ["", "not there"])
def test_the_api_is_found_where_it_is(serve: Serve, root: str, given: str, lists: str) -> None:
    server = serve(root=root, lists=lists)
    assert all_right(answers(backend(server, url=f"http://127.0.0.1:{server.server_port}{given}")))


def test_a_redirect_on_the_same_server_is_followed_and_remembered(serve: Serve) -> None:
    server = serve(moved="/moved")
    assert all_right(answers(backend(server)))


def test_a_redirect_to_another_server_is_not_followed(serve: Serve) -> None:
    other = serve()
    server = serve(moved=f"http://127.0.0.1:{other.server_port}")
    with pytest.raises(SyncseError, match="elsewhere") as caught:
        answers(backend(server))
    assert str(other.server_port) in caught.value.detail
    assert other.bodies == []
    assert caught.value.code == ExitCode.PREFLIGHT


@pytest.mark.parametrize("host", ["0.0.0.0", "0", "localhost", "[::ffff:127.0.0.1]"])
def test_what_servers_print_as_their_address_is_this_machine(
    serve: Serve, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCSE_AIRGAP", "1")
    server = serve()
    assert all_right(answers(backend(server, url=f"http://{host}:{server.server_port}/v1")))


# -- 400s, and whose fault they are -----------------------------------------------------------------------------------


def test_a_row_that_is_rejected_among_others_that_are_not_is_refused_for_good(serve: Serve) -> None:
    server = serve()
    made = backend(server)
    assert all_right(answers(made))
    server.failing, server.failing_share = "400", 0.5
    found = answers(made, rows(20))
    refused = [done for done in found.values() if done.finish == "refused"]
    assert 0 < len(refused) < 20
    assert {done.error for done in refused} == {"HTTP 400: the text is not to our liking"}
    assert len(server.bodies) == 6 + 20  # nothing is tried for them, nothing asked again


def test_a_server_that_rejects_everything_has_answered_nothing(serve: Serve) -> None:
    server = serve()
    server.failing, server.failing_share = "400", 1.0
    found = answers(backend(server, retries=1), rows(4))
    assert {(done.finish, done.fault) for done in found.values()} == {("error", "HTTP 400")}
    assert warnings_of(backend(server)) == []


def test_a_sentence_that_is_quoted_in_a_refusal_teaches_nothing(serve: Serve) -> None:
    server = serve()
    server.failing, server.failing_share = "quotes", 1.0
    made = backend(server, retries=0)
    answers(made, rows(1))
    server.failing = ""
    assert all_right(answers(made))
    assert "top_k" in server.bodies[-1]
    assert warnings_of(made) == []


# -- slow servers ------------------------------------------------------------------------------------------------------


def test_a_server_that_does_one_request_at_a_time_is_waited_for(serve: Serve) -> None:
    server = serve(serial=0.15)
    context = rows(16)
    assert all_right(answers(backend(server, timeout_s=0.5, concurrency=8), context), context)
    assert len(server.bodies) == 16


def test_a_server_that_is_slower_than_the_timeout_is_given_time(serve: Serve) -> None:
    server = serve(serial=0.4)
    context = rows(4)
    made = backend(server, timeout_s=0.15, concurrency=8, retries=6)
    assert all_right(answers(made, context), context)
    assert len(server.bodies) <= 8


def test_a_server_that_is_silent_ends_the_run_with_the_reason(serve: Serve) -> None:
    server = serve(serial=60.0)
    made = backend(server, timeout_s=0.1, patience_s=0.5)
    found: list[Completion] = []
    with pytest.raises(SyncseError, match="do not answer") as caught:
        found.extend(made.generate([rows(40)], lambda: False))
    assert "no answer within" in caught.value.detail
    assert "timeout_s" in caught.value.detail
    assert {done.fault for done in found} == {"time-out"}


def test_rate_limits_are_waited_for_without_counting_tries(serve: Serve) -> None:
    server = serve(share=1.0, seed=2)
    server.always = "429"
    made = backend(server, retries=0)
    begun = made.generate([rows(3)], lambda: False)
    import threading

    threading.Timer(0.3, lambda: setattr(server, "always", "")).start()
    server.share = 0.0
    assert {done.finish for done in begun} == {"stop"}


def test_a_pause_of_no_seconds_is_no_invitation_to_hammer(serve: Serve) -> None:
    server = serve()
    server.always = "429 at once"
    made = backend(server, patience_s=0.6, backoff_s=0.1)
    with pytest.raises(SyncseError, match="do not answer"):
        list(made.generate([rows(3)], lambda: False))
    assert len(server.bodies) < 12


def test_all_quirks_have_a_test() -> None:
    tested = {f"system: {name}" for name in SYSTEM} | {f"parameter: {name}" for name in PARAMETERS}
    assert REFUSALS.keys() - tested == {"parameters without a word", "text content", "temperature 0 (TGI)"}
