"""The server backend's parts without a server: pauses, keys, consent, addresses, money and what faults mean."""

import json
from email.utils import formatdate
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncse_local.backends.consent import leaving
from syncse_local.backends.openai.backoff import Backoff, retry_after
from syncse_local.backends.openai.client import Reply
from syncse_local.backends.openai.faults import fault_of
from syncse_local.backends.openai.key import Key, read_key
from syncse_local.backends.openai.preflight import identity
from syncse_local.backends.openai.servers import check_allowed, parse_server
from syncse_local.backends.openai.spend import Price, Spend
from syncse_local.backends.openai.wire import read
from syncse_local.errors import SyncseError
from syncse_local.records import Row, Sampling

KEY = "sk-very-secret-0123456789"


def test_pauses_double_and_spread_and_have_an_end() -> None:
    made = Backoff(0.5, draw=Random(1))
    pauses = [made.pause(faults) for faults in range(1, 12)]
    for pause, whole in zip(pauses, [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30, 30], strict=True):
        assert whole / 2 <= pause <= whole


@pytest.mark.parametrize(
    ("value", "seconds"), [("3", 3.0), ("0.5", 0.5), (None, None), ("soon", None), ("-1", None), ("", None)]
)
def test_retry_after_in_seconds(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, 0.0) == seconds


def test_retry_after_as_a_date() -> None:
    assert retry_after(formatdate(1_000_060, usegmt=True), 1_000_000.0) == 60.0
    assert retry_after(formatdate(999_000, usegmt=True), 1_000_000.0) == 0.0


@pytest.mark.parametrize(
    ("mode", "fine"), [(0o600, True), (0o400, True), (0o640, False), (0o604, False), (0o700, False)]
)
def test_a_key_file_is_private(tmp_path: Path, mode: int, fine: bool) -> None:
    path = tmp_path / "key"
    path.write_text(KEY + "\n")
    path.chmod(mode)
    if fine:
        assert read_key(str(path), {}).headers() == {"Authorization": f"Bearer {KEY}"}
    else:
        with pytest.raises(SyncseError, match="cannot be used") as caught:
            read_key(str(path), {})
        assert KEY not in caught.value.detail


def test_a_key_file_may_begin_with_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"\xef\xbb\xbf" + KEY.encode())
    path.chmod(0o600)
    assert read_key(str(path), {}).headers() == {"Authorization": f"Bearer {KEY}"}


def test_where_a_key_comes_from_and_that_it_hides() -> None:
    found = read_key("", {"SYNCSE_API_KEY": KEY, "OPENAI_API_KEY": "other"})
    assert found.source == "SYNCSE_API_KEY"
    assert KEY not in repr(found)
    assert found.hide(f"Incorrect key: {KEY}.") == "Incorrect key: [key]."
    assert read_key("", {"OPENAI_API_KEY": "other"}).source == "OPENAI_API_KEY"
    assert not read_key("", {})


@pytest.mark.parametrize(
    ("text", "url", "local"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1", True),
        ("http://localhost:1/v1/", "http://localhost:1/v1", True),
        ("https://api.example.com/v1/chat/completions", "https://api.example.com:443/v1", False),
        ("http://[::1]:9/x", "http://[::1]:9/x", True),
        ("http://0.0.0.0:8000", "http://127.0.0.1:8000/v1", True),
        ("http://0:8000/", "http://127.0.0.1:8000/v1", True),
        ("http://[::]:8000", "http://[::1]:8000/v1", True),
        ("http://[::ffff:127.0.0.1]:1", "http://127.0.0.1:1/v1", True),
        ("http://LOCALHOST.:1", "http://localhost:1/v1", True),
        ("http://127.0.0.1:1/v1/models", "http://127.0.0.1:1/v1", True),
        ("http://10.0.0.1:1", "http://10.0.0.1:1/v1", False),
    ],
)
def test_addresses(text: str, url: str, local: bool) -> None:
    assert (parse_server(text).url, parse_server(text).local) == (url, local)


@pytest.mark.parametrize(
    "text", ["ftp://x", "http://a:b@c/v1", "http://c/v1?key=1", "c:80", "http://ex ample/", "http://c:99999"]
)
def test_addresses_that_are_refused(text: str) -> None:
    with pytest.raises(SyncseError, match="base URL"):
        parse_server(text)


def test_azure_gets_its_version_and_its_own_header() -> None:
    server = parse_server("https://x.openai.azure.com/openai/deployments/d?api-version=2024-10-21")
    assert server.at("/chat/completions") == "/openai/deployments/d/chat/completions?api-version=2024-10-21"
    assert "2024" not in server.url
    key = read_key("", {"OPENAI_API_KEY": KEY})
    assert key.headers(server.host)["api-key"] == KEY
    assert key.headers("api.example.com").keys() == {"Authorization"}


@pytest.mark.parametrize("url", ["http://10.1.2.3/v1", "http://gpu1/v1", "https://api.example.com/v1"])
def test_a_key_may_travel_inside_or_encrypted(url: str) -> None:
    check_allowed([parse_server(url)], True, True, guarded=False)


def test_consent_counts_and_escapes() -> None:
    found = leaving(["https://a.example:443/v1"], ["one", "\x1b[31mtwo", "x" * 500, "four"], 2, "SYNCSE_API_KEY")
    assert (found.sentences, found.requests, len(found.samples)) == (4, 8, 3)
    assert "\x1b" not in found.sentence()
    assert len(found.samples[2]) == 80


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 2_000)), max_size=40),
    st.floats(0.001, 5.0),
)
def test_the_ceiling_holds_whatever_is_asked(requests: list[tuple[int, int]], ceiling: float) -> None:
    spend = Spend(Price(3.0, 15.0, 0.3), ceiling)
    for size, wanted in requests:
        worst = spend.worst(size, 1, wanted)
        if spend.reserve(worst):
            spend.settle(worst, prompt=size, output=wanted)
    assert spend.spent <= ceiling


def test_identity_is_of_the_model_and_not_of_the_address() -> None:
    assert identity("a", "b") == identity("a", "b") != identity("a", "c")
    assert len(identity("a", "b")) == 64


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"message": "no"}, "denied"),
        (404, {"message": "no such model"}, "missing"),
        (400, {"message": "This model's maximum context length is 10 tokens"}, "refused"),
        (400, {"message": "flagged by the content filter"}, "refused"),
        (429, {"message": "quota", "code": "insufficient_quota"}, "broke"),
        (429, {"message": "slow down"}, "crowded"),
        (503, {"message": "busy"}, "crowded"),
        (500, {"message": "boom"}, "failed"),
        (302, {"message": "elsewhere"}, "moved"),
        (422, {"message": "what?"}, "rejected"),
    ],
)
def test_what_an_answer_with_an_error_means(status: int, error: dict[str, str], kind: str) -> None:
    assert fault_of(Reply(status, "application/json", json.dumps({"error": error}).encode())).kind == kind


@given(
    st.integers(100, 599),
    st.sampled_from(["application/json", "text/html", ""]),
    st.binary(max_size=200),
    st.sampled_from([b"", b"data: ", b"data: {", b"\x1f\x8b", b"<html><title>", b'{"choices": [{"delta": ']),
    st.sampled_from(["", "gzip", "deflate", "br"]),
)
def test_no_answer_is_too_strange_to_read(status: int, kind: str, body: bytes, before: bytes, coding: str) -> None:
    read(Reply(status, kind, before + body, coding=coding), Row("k", "t", 1, Sampling()), 0.1)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_no_json_is_too_strange_to_read(value: object) -> None:
    message = {"content": value, "reasoning_content": value, "refusal": value}
    choices = [[value], [{"message": value}], [{"message": message}], [{"delta": message, "finish_reason": value}]]
    shapes = [value, {"error": value}, {"detail": value}, {"models": value}, {"choices": value}, {"message": value}]
    for body in (*shapes, *({"choices": choice, "usage": value} for choice in choices)):
        read(Reply(200, "application/json", json.dumps(body).encode()), Row("k", "t", 1, Sampling()), 0.1)


def test_an_empty_key_sends_no_header() -> None:
    assert Key().headers() == {}
