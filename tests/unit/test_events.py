"""A run's events in words: one safe line each, whatever an event holds."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncse_local.text.display import hidden
from syncse_local.text.events import NEWS, event_line

SOURCES = sorted(Path(__file__).resolve().parents[2].glob("syncse_local/**/*.py"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "text",
    "rows",
    "part",
    "skipped",
    "settings",
    "backend",
    "version",
    "task",
    "state",
    "triplets",
    "steps",
    "missing",
    "tried",
    "landlock",
)


def emitted() -> set[str]:
    """The kinds of events that the core writes."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    return set(re.findall(r'(?:\.event\(|_event\(connection, run_id,)\s*"(\w+)"', source))


@pytest.mark.parametrize(
    ("kind", "data", "line"),
    [
        ("waiting", {"text": "waiting for \x1b"}, "waiting for \\u001b"),
        ("warning", {"text": "the disk is full"}, "warning: the disk is full"),
        ("planned", {"rows": 1600, "part": "pairs", "skipped": {"long": 3, "empty": 0}},
         "planned 1,600 requests (pairs); left out: 3 long"),
        ("planned", {"rows": 4, "part": "pairs", "skipped": {}}, "planned 4 requests (pairs)"),
        ("training", {"triplets": 6, "dev_pairs": 9, "left_out": {"incomplete": 4, "too_long": 3}, "rows_left_out": 6},
         "training on 6 triplets; left out: 4 incomplete, 3 too long (6 rows); 9 dev pairs"),
        ("training", {"triplets": 6, "dev_pairs": 9}, "training on 6 triplets, 9 dev pairs"),
        ("engine", {"backend": "echo", "version": "1", "settings": {"n_ctx": 512}}, "engine: echo 1: n_ctx 512"),
        ("isolation", {"namespace": {"inode": 7}, "landlock": {"version": 3}, "missing": {"seccomp": "no"},
                       "tried": {"TCP": {"result": "shut"}, "DNS": {"result": "shut"}, "UDP": {"result": "open"}}},
         "isolation: network namespace 7, Landlock 3; missing: seccomp; self-test: 2 shut, 1 open"),
        ("isolation", {"tried": [], "namespace": 3}, "isolation: none; self-test: none"),
        ("refused_by_kernel", {"socket": 3}, "the kernel refused: socket 3"),
        ("refused_by_kernel", {}, "the kernel refused: nothing"),
        ("state", {"state": "done"}, "finished"),
        ("state", {"state": "incomplete"}, "incomplete"),
        ("scored", {}, "scored ?"),
        ("scored", {"task": "STS12", "metrics": {"spearman": 0.5}}, "scored STS12: spearman 50.00"),
        ("vectors", {"cached": 3, "computed": 0}, "0 vectors computed, 3 taken from the cache"),
        ("vectors", {"cached": 0, "computed": 1}, "1 vector computed"),
        ("loading", {"model": "/m/a.gguf"}, "loading a.gguf"),
        ("encoding", {"sentences": 672, "tasks": 1}, "encoding 672 sentences for 1 task"),
        ("energy", {"joules": {}}, "energy: no device here tells"),
        ("energy", {"joules": {"GPU 0": 12.5}}, "energy: GPU 0 12.5 J"),
        ("odd\n", "no mapping", "odd␤"),
    ],
)  # fmt: skip
def test_an_event_in_words(kind: str, data: object, line: str) -> None:
    assert event_line(kind, data) == line


@given(st.sampled_from([*sorted(NEWS), "state", "training_setup", "isolation", "odd"]) | st.text(max_size=9), st.data())
def test_any_event_is_one_safe_line(kind: str, data: st.DataObject) -> None:
    held = data.draw(JSON | st.dictionaries(st.sampled_from(FIELDS), JSON))
    line = event_line(kind, held)
    assert not [char for char in line if hidden(char)]
    assert len(line) < 10_000


def test_news_are_events_that_are_written() -> None:
    assert len(emitted()) > 15
    assert emitted() >= NEWS
