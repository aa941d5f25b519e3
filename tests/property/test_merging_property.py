"""Merging is a union: the order of the sources, their overlap and repetition change nothing of what is there."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncse_local.store import database
from syncse_local.store.merging.merge import merge
from tests.unit.merge_setup import Made, content

shards = st.lists(st.sets(st.integers(0, 12)), min_size=2, max_size=3)
TIMED = {"response": -1, "decision": -1}  # two workspaces that answered the same row did so at different moments


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("blank") / "syncse.db"
    database.connect(path).close()
    return path


def timeless(path: Path) -> dict[str, set[tuple[Any, ...]]]:
    return {name: {row[: TIMED.get(name)] for row in rows} for name, rows in content(path).items()}


@settings(max_examples=8, deadline=None)
@given(planned=shards, data=st.data())
def test_merging_is_a_union(blank: Path, planned: list[set[int]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = []
        for i, numbers in enumerate(planned):
            made = Made(folder / str(i), blank)
            run = made.run(sorted(numbers), [n for n in numbers if data.draw(st.booleans())])
            made.filters(run, sorted(numbers)[:2])
            made.connection.close()
            sources.append(made.path)
        order = data.draw(st.permutations(sources))
        results = [folder / f"merged-{i}" / "syncse.db" for i in range(3)]
        merge(results[0], sources, lambda *_: None)
        merge(results[1], [*order, order[0]], lambda *_: None)
        merge(results[2], [order[0]], lambda *_: None)
        merge(results[2], [results[1], *order], lambda *_: None)
        found = [timeless(path) for path in results]
        assert found[0] == found[1] == found[2]
        for table in ("request", "plan", "run", "verdict"):
            assert found[0][table] == set().union(*(timeless(source)[table] for source in sources))
        answered = [row[0] for row in content(results[0])["response"]]
        assert len(answered) == len(set(answered))
