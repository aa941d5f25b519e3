"""Models in several files: found by any part, any link and any name, or the part that is not there is named."""

import os
import struct
from pathlib import Path

import pytest

from syncse_local.catalog.resolve import resolve
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.gguf import model_info
from syncse_local.modelfiles.gguf_header import read_header
from syncse_local.modelfiles.gguf_parts import bare_name, parts_of
from syncse_local.modelfiles.hashing import model_sha256
from tests.unit.model_files import WEIGHTS, gguf, number
from tests.unit.test_gguf import BASICS, build, pair, tensor


def parts(folder: Path, *names: str, total: int = 6) -> list[Path]:
    """A model in as many files, each with its number and a weight or more, under these names."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for index, name in enumerate(names):
        split = [
            pair("split.no", 2, struct.pack("<H", index)),
            pair("split.count", 2, struct.pack("<H", len(names))),
            number("split.tensors.count", total),
        ]
        data = build([*(BASICS if index == 0 else []), *split], [tensor(f"w{index}", (4, 4))])
        (folder / name).write_bytes(data)
        made.append(folder / name)
    return made


def usual(stem: str, count: int = 3) -> list[str]:
    return [f"{stem}-{index:05d}-of-{count:05d}.gguf" for index in range(1, count + 1)]


NAMES = [
    usual("m"),
    ["M-00001-OF-00003.GGUF", "M-00002-OF-00003.GGUF", "M-00003-OF-00003.GGUF"],
    ["m-1-of-3.gguf", "m-2-of-3.gguf", "m-3-of-3.gguf"],
    ["m-0001-of-0003.gguf", "m-0002-of-0003.gguf", "m-0003-of-0003.gguf"],
    ["first.gguf", "second.gguf", "third.gguf"],
    ["m-00001-of-00003 (1).gguf", "m-00002-of-00003 (1).gguf", "m-00003-of-00003 (1).gguf"],
    ["m-00001-of-00003.gguf", "M-00002-of-00003.GGUF", "third.gguf"],
]


@pytest.mark.parametrize("names", NAMES, ids=[names[0] for names in NAMES])
@pytest.mark.parametrize("named", [0, 1, 2])
def test_any_part_stands_for_the_whole(tmp_path: Path, names: list[str], named: int) -> None:
    made = parts(tmp_path, *names)
    gguf(tmp_path / "another.gguf")
    assert parts_of(made[named]) == made
    assert model_info(made[named]).parameters == 48
    assert resolve(str(made[named]), Settings(), tmp_path) == made[0]
    assert model_sha256(None, made[named]) == model_sha256(None, made[0])


@pytest.mark.parametrize("named", [0, 1])
def test_a_link_under_another_name(tmp_path: Path, named: int) -> None:
    made = parts(tmp_path / "models", *usual("m", 2))
    (tmp_path / "model.gguf").symlink_to(made[named])
    (tmp_path / "again.gguf").symlink_to("model.gguf")
    for link in ("model.gguf", "again.gguf"):
        assert parts_of(tmp_path / link) == made
        assert resolve(str(tmp_path / link), Settings(), tmp_path).resolve() == made[0]


def snapshot(cache: Path, names: list[str]) -> tuple[Path, list[Path]]:
    """A hub's cache: the files as blobs, the names as links; returns the snapshot and the blobs."""
    blobs = parts(cache / "blobs", *(f"{index:064x}" for index in range(len(names))))
    place = cache / "snapshots" / "abc" / "Q4"
    place.mkdir(parents=True)
    for name, blob in zip(names, blobs, strict=True):
        (place / name).symlink_to(os.path.relpath(blob, place))
    return place, blobs


def test_a_snapshot_of_the_hub_and_its_blobs(tmp_path: Path) -> None:
    place, blobs = snapshot(tmp_path / "models--a--b", usual("m"))
    links = [place / name for name in usual("m")]
    for link in links:
        assert parts_of(link) == links
    for blob in blobs:
        assert parts_of(blob) == links
    (tmp_path / "mine.gguf").symlink_to(links[1])
    assert parts_of(tmp_path / "mine.gguf") == links


def test_a_snapshot_that_was_not_fetched_whole(tmp_path: Path) -> None:
    place, blobs = snapshot(tmp_path / "models--a--b", usual("m"))
    blobs[1].unlink()
    with pytest.raises(SyncseError) as caught:
        parts_of(place / usual("m")[0])
    assert "m-00002-of-00003.gguf is not there (part 2)" in caught.value.detail


@pytest.mark.parametrize("missing", [0, 1, 2])
@pytest.mark.parametrize("names", NAMES[:5], ids=[names[0] for names in NAMES[:5]])
def test_a_part_that_is_not_there_is_named(tmp_path: Path, names: list[str], missing: int) -> None:
    made = parts(tmp_path, *names)
    made[missing].unlink()
    other = made[(missing + 1) % 3]
    for found in (
        lambda: parts_of(other),
        lambda: resolve(str(other), Settings(), tmp_path),
        lambda: model_info(other),
    ):
        with pytest.raises(SyncseError) as caught:
            found()
        assert caught.value.code == ExitCode.PREFLIGHT
        assert f"(part {missing + 1})" in caught.value.detail
        assert "in 3 parts" in caught.value.detail


def test_parts_of_two_models_side_by_side_are_not_mixed(tmp_path: Path) -> None:
    small = parts(tmp_path, "a1.gguf", "a2.gguf", total=5)
    large = parts(tmp_path, "b1.gguf", "b2.gguf", total=9)
    assert parts_of(small[1]) == small
    assert parts_of(large[0]) == large
    twin = parts(tmp_path / "twins", "c1.gguf", "c2.gguf")
    parts(tmp_path / "twins", "d1.gguf", "d2.gguf")
    with pytest.raises(SyncseError, match="several files that may be part"):
        parts_of(twin[0])


def test_a_whole_model_with_a_number_in_its_name_is_whole(tmp_path: Path) -> None:
    path = gguf(tmp_path / "llama-2-of-7.gguf")
    assert parts_of(path) == [path]
    assert resolve(str(path), Settings(), tmp_path) == path
    assert bare_name(Path("x-00001-of-00002.gguf")) == "x"


def test_a_directory_with_one_gguf_is_that_model(tmp_path: Path) -> None:
    made = parts(tmp_path / "one", *usual("m", 2))
    assert resolve(str(tmp_path / "one"), Settings(), tmp_path) == made[0]
    gguf(tmp_path / "one" / "other.gguf")
    with pytest.raises(SyncseError) as caught:
        resolve(str(tmp_path / "one"), Settings(), tmp_path)
    assert "m-00001-of-00002.gguf, other.gguf" in caught.value.detail
    assert caught.value.code == ExitCode.USAGE


@pytest.mark.parametrize("ending", ["gguf-split-a", "gguf-split-b", "gguf.part1of2", "gguf.part2of2", "gguf.001"])
def test_a_piece_of_a_file_that_was_cut_says_how_to_join_it(tmp_path: Path, ending: str) -> None:
    data = build(BASICS, WEIGHTS)
    path = tmp_path / f"model.Q8_0.{ending}"
    path.write_bytes(data[:-9] if ending in ("gguf-split-a", "gguf.part1of2", "gguf.001") else data[-9:])
    with pytest.raises(SyncseError) as caught:
        read_header(path)
    assert "a piece of model.Q8_0.gguf: join them all" in caught.value.hint
