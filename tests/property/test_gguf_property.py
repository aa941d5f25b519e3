"""The GGUF reader over damaged files: a clear error or a sound description, never anything else, never much memory."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncse_local import paths
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.gguf import model_info

GOOD = paths.starter_llm().read_bytes()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gguf") / "model.gguf"


def test_the_starter_llm_describes_itself() -> None:
    info = model_info(paths.starter_llm())
    assert (info.architecture, info.context_length, info.profile) == ("llama", 512, "chat")
    assert 5_000_000 < info.parameters < 15_000_000


@settings(max_examples=60, deadline=None)
@given(length=st.integers(0, len(GOOD) - 1))
def test_a_truncated_file_is_refused(damaged: Path, length: int) -> None:
    damaged.write_bytes(GOOD[:length])
    with pytest.raises(SyncseError) as caught:
        model_info(damaged)
    assert caught.value.code == ExitCode.PREFLIGHT
    assert caught.value.hint


@settings(max_examples=150, deadline=None)
@given(spots=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_changed_header_never_surprises(damaged: Path, spots: list[tuple[int, int]]) -> None:
    content = bytearray(GOOD)
    for place, value in spots:
        content[place] = value
    damaged.write_bytes(content)
    with suppress(SyncseError):
        assert model_info(damaged).bytes == len(GOOD)


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=400))
def test_any_bytes_after_the_magic(damaged: Path, content: bytes) -> None:
    damaged.write_bytes(b"GGUF\x03\0\0\0" + content)
    with pytest.raises(SyncseError):
        model_info(damaged)
