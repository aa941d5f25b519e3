"""Packs: what leaves and what does not, every byte verified before anything is written, interrupted work gone on with."""

import json
import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.packs import container, making, taking
from syncse_local.packs.container import LENGTH, MARK, Entry, Listing
from syncse_local.packs.database import CHOICES, EVENTS, plain
from syncse_local.records import Completion
from syncse_local.store import ledger, runs
from syncse_local.store.database import connect
from syncse_local.store.ledger import Answered, Outcome, Planned
from tests.conftest import Cli

SECRET = "The patient in room nine has a rare disease."


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """Files that look like an encoder."""
    folder = tmp_path / "my encoder"
    (folder / "1_Pooling").mkdir(parents=True)
    for name, content in {
        "modules.json": b"[]",
        "1_Pooling/config.json": b"{}",
        "model.safetensors": bytes(9000),
    }.items():
        (folder / name).write_bytes(content)
    (folder / ".hidden").write_text("stays", encoding="utf-8")
    return folder


def workspace_with_triplets(directory: Path, accepted: str, rejected: str) -> Path:
    """A workspace with an accepted triplet, one whose answers are rejected, an evaluation, and texts in odd places."""
    connection = connect(directory / "syncse.db")
    made = runs.create(connection, "generate", {"recipe": {"prompt": "a private option"}}, "made")
    ledger.add_sentences(connection, [("s0", accepted, "made"), ("s1", "A second sentence.", "made")])
    rows = [
        Planned(f"{role}-{number}", 2 * number + place, f"s{number}", role, 0, "p", "c", f"turn {number}", number)
        for number in (0, 1)
        for place, role in enumerate(("positive", "negative"))
    ]
    ledger.add_plan(connection, made.id, rows)
    texts = {0: f"Said otherwise: {accepted}", 1: rejected}
    answers = [
        Answered(
            Completion(r.key, f"raw {texts[r.ordinal // 2]}", "stop"),
            1,
            [Outcome(texts[r.ordinal // 2], "copy" if r.ordinal > 1 else None)],
        )
        for r in rows
    ]
    ledger.add_answers(connection, answers)
    runs.add_event(connection, made.id, "warning", {"text": "a private event"})
    runs.move(connection, made.id, "queued", "running")
    runs.finish(connection, made.id, "failed", SyncseError("Failed", "a private error", "No."))
    scored = runs.create(connection, "eval", {"encoder": "/e"}, "scored")
    score = {"model": "m", "task": "STS12", "metric": "spearman", "value": 0.5, "pairs": 9, "detail": {"a": 1}}
    runs.add_scores(connection, scored.id, [score])
    connection.close()
    return directory


def packed(place: Path, target: Path, texts: Any = "none") -> Listing:
    """The pack of a place, written."""
    with making.contents(place, texts) as found:
        container.write(found.listing, found.files, target)
        return found.listing


def unpacked(pack: Path, target: Path) -> Path:
    """A pack verified and unpacked."""
    with taking.opened(pack) as (content, listing):
        taking.verified(content, listing)
        taking.unpack(content, listing, target)
    return target


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_an_encoder_comes_out_as_it_went_in(encoder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.syncse", tmp_path / "b.syncse"
    listing = packed(encoder, first)
    assert (listing.kind, listing.name, len(listing.files)) == ("encoder", "my encoder", 3)
    out = unpacked(first, tmp_path / "out")
    assert files(out) == {name: content for name, content in files(encoder).items() if name != ".hidden"}
    assert out.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in out.rglob("*") if p.is_file()} == {0o600}
    os.utime(encoder / "modules.json", (1, 1))
    packed(encoder, second)
    assert first.read_bytes() == second.read_bytes()


def test_every_part_of_a_split_model_is_packed(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"big-0000{number}-of-00002.gguf").write_bytes(bytes([number]))
    listing = packed(tmp_path / "big-00001-of-00002.gguf", tmp_path / "m.syncse")
    assert [entry.path for entry in listing.files] == ["big-00001-of-00002.gguf", "big-00002-of-00002.gguf"]
    (tmp_path / "big-00002-of-00002.gguf").unlink()
    with pytest.raises(SyncseError, match="00002-of-00002"):
        packed(tmp_path / "big-00001-of-00002.gguf", tmp_path / "n.syncse")


@pytest.mark.parametrize("texts", CHOICES)
def test_only_the_texts_that_may_leave_are_in_a_pack(texts: str, tmp_path: Path) -> None:
    workspace = workspace_with_triplets(
        tmp_path / "w", accepted=SECRET, rejected="A rejected private answer of the model."
    )
    pack = tmp_path / "w.syncse"
    packed(workspace, pack, texts)
    content = pack.read_bytes()
    assert (SECRET.encode() in content) is (texts != "none")
    assert (b"A rejected private answer" in content) is (texts == "all")
    assert (b"private event" in content) is (texts == "all")
    assert (b"private error" in content) is (texts == "all")
    assert (b"private option" in content) is (texts == "all")
    out = unpacked(pack, tmp_path / "out")
    with closing(sqlite3.connect(out / "syncse.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert database.execute("SELECT count(*) FROM run").fetchone()[0] == 2
        assert database.execute("SELECT value FROM score").fetchone()[0] == 0.5
        triplets = database.execute("SELECT sentence, accepted FROM triplet ORDER BY ordinal").fetchall()
    assert triplets == {"none": [], "triplets": [(SECRET, 1)], "all": [(SECRET, 1), ("A second sentence.", 0)]}[texts]


def test_options_keep_numbers_and_words() -> None:
    told = {"seed": 1, "path": "/a/b", "recipe": {"prompts": ["Say it otherwise."], "n": [1, None]}, "a b": 3}
    assert plain(told) == {"seed": 1, "path": "/a/b", "recipe": {"prompts": [""], "n": [1, None]}}
    assert "warning" not in EVENTS


def test_interrupted_packing_and_unpacking_go_on(encoder: Path, tmp_path: Path) -> None:
    target, part = tmp_path / "p.syncse", tmp_path / ".p.syncse.part"
    with making.contents(encoder, "none") as found:
        whole = found.listing.encoded() + b"".join((encoder / e.path).read_bytes() for e in found.listing.files)
        for length in (0, 5, len(found.listing.encoded()) + 3, len(whole) - 1, len(whole)):
            part.write_bytes(whole[:length])
            kept = container.write(found.listing, found.files, target)
            assert target.read_bytes() == whole
            assert kept == (
                9002 if length == len(whole) - 1 else 9004 if length == len(whole) else 2 if length > 9 else 0
            )
        part.write_bytes(b"x" + whole[1:])
        assert container.write(found.listing, found.files, target) == 0
        assert target.read_bytes() == whole
    with taking.opened(target) as (content, listing):
        unfinished = tmp_path / f".out.{listing.identity[:16]}.unpacking"
        unfinished.mkdir()
        (unfinished / "model.safetensors").write_bytes(bytes(9000))
        (unfinished / "modules.json").write_bytes(b"[!")
        assert taking.unpack(content, listing, tmp_path / "out") == 9000
    assert (tmp_path / "out" / "modules.json").read_bytes() == b"[]"
    assert not unfinished.exists()


def test_a_file_that_changes_while_it_is_packed_is_an_error(encoder: Path, tmp_path: Path) -> None:
    with making.contents(encoder, "none") as found:
        (encoder / "model.safetensors").write_bytes(bytes(8999) + b"x")
        with pytest.raises(SyncseError, match="changed"):
            container.write(found.listing, found.files, tmp_path / "p.syncse")
    assert not (tmp_path / "p.syncse").exists()


HOSTILE = [
    *(
        "../up",
        "/etc/passwd",
        "a/../../b",
        "a//b",
        "./a",
        "a/.",
        ".ssh/authorized_keys",
        "a/.git/hooks",
        "a\\b",
        "c:a",
        "a\nb",
    ),
    *("", "a/", "\u202eevil", "a\x00b", "nul", "a/CON.txt", "x" * 300, "a " + "/b", "a."),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    pack = tmp_path / "hostile.syncse"
    pack.write_bytes(Listing("model", "m", (Entry(name, 1, "0" * 64),), {}).encoded() + b"x")
    before = files(tmp_path)
    with pytest.raises(SyncseError) as found, taking.opened(pack) as (content, listing):
        taking.verified(content, listing)
    assert found.value.code is ExitCode.PREFLIGHT
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    "names", [("a", "A"), ("a", "a/b"), ("\u00e9", "e\u0301"), ("a/b", "A")], ids=["case", "in a file", "form", "both"]
)
def test_two_files_of_one_name_are_refused(names: tuple[str, str], tmp_path: Path) -> None:
    pack = tmp_path / "hostile.syncse"
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    pack.write_bytes(Listing("model", "m", tuple(Entry(name, 0, empty) for name in names), {}).encoded())
    with pytest.raises(SyncseError), taking.opened(pack):
        pass


@pytest.mark.parametrize(
    "content",
    [
        b"",
        MARK,
        MARK + (1 << 60).to_bytes(LENGTH, "big"),
        MARK + (3).to_bytes(LENGTH, "big") + b"[1]",
        MARK + (100_000).to_bytes(LENGTH, "big") + b"[" * 100_000,
        MARK + (4400).to_bytes(LENGTH, "big") + b"1" * 4400,
        Listing("model", "m", (Entry("a", -1, "0" * 64),), {}).encoded(),
        Listing("model", "m", (Entry("a", 1 << 60, "0" * 64),), {}).encoded(),
        Listing("model", "../m", (), {}).encoded(),
        Listing("program", "m", (), {}).encoded(),
        Listing("model", "m", (), {}).encoded() + b"more",
    ],
)
def test_what_is_no_pack_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(SyncseError), taking.opened(tmp_path / "x"):
        pass


def test_no_changed_byte_gets_through(encoder: Path, tmp_path: Path) -> None:
    """Bytes of the list and of the files changed, cut out, doubled: an error, or the very same files."""
    packed(encoder, tmp_path / "p.syncse")
    whole, wanted = (tmp_path / "p.syncse").read_bytes(), files(unpacked(tmp_path / "p.syncse", tmp_path / "out"))
    draw, place = random.Random(1), tmp_path / "changed" / "x.syncse"
    place.parent.mkdir()
    accepted = 0
    for round_number in range(1_000):
        at = draw.randrange(800 if round_number % 2 else len(whole))
        how, byte = draw.randrange(3), bytes([draw.randrange(256)])
        changed = whole[:at] + (
            byte + whole[at + 1 :] if how == 0 else whole[at + 1 :] if how == 1 else byte + whole[at:]
        )
        place.write_bytes(changed)
        try:
            with taking.opened(place) as (content, listing):
                taking.verified(content, listing)
        except SyncseError:
            assert sorted(os.listdir(place.parent)) == ["x.syncse"]
            continue
        accepted += changed != whole and [e.sha256 for e in listing.files] == [
            container.sha256(tmp_path / "out" / n) for n in wanted
        ]
        if changed != whole:  # only names, not bytes, may differ then
            assert sorted(e.sha256 for e in listing.files) == sorted(container.sha256(encoder / n) for n in wanted)
    assert accepted < 300


def test_nothing_is_overwritten_and_no_link_followed(encoder: Path, tmp_path: Path) -> None:
    packed(encoder, tmp_path / "p.syncse")
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("there", "link"):
        with pytest.raises(SyncseError, match="there already"):
            unpacked(tmp_path / "p.syncse", tmp_path / name)
    with taking.opened(tmp_path / "p.syncse") as (_, listing):
        (tmp_path / f".out.{listing.identity[:16]}.unpacking").symlink_to(tmp_path / "there")
    with pytest.raises(SyncseError, match="link"):
        unpacked(tmp_path / "p.syncse", tmp_path / "out")
    assert list((tmp_path / "there").iterdir()) == []


def test_a_link_in_a_workspace_s_models_stays(tmp_path: Path) -> None:
    workspace = workspace_with_triplets(tmp_path / "w", accepted=SECRET, rejected="No.")
    (workspace / "models" / "encoder").mkdir(parents=True)
    (workspace / "models" / "encoder" / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "private").write_text("private", encoding="utf-8")
    (workspace / "models" / "encoder" / "link").symlink_to(tmp_path / "private")
    listing = packed(workspace, tmp_path / "w.syncse")
    assert [entry.path for entry in listing.files] == ["models/encoder/config.json", "syncse.db"]


def test_the_verbs_ask_before_texts_leave(cli: Cli, tmp_path: Path) -> None:
    workspace = workspace_with_triplets(tmp_path / "w", accepted=SECRET, rejected="No.")
    pack = tmp_path / "w.syncse"
    refused = cli("pack", str(workspace), "-o", str(pack), "--texts", "triplets")
    assert (refused.returncode, pack.exists()) == (ExitCode.USAGE, False)
    assert SECRET in refused.stdout
    assert "1 sentences" in refused.stderr
    assert cli("pack", str(workspace), "-o", str(pack), "--texts", "triplets", "--yes").returncode == 0
    shown = json.loads(cli("unpack", str(pack), "--dry-run", "--json").stdout)
    assert (shown["kind"], shown["written"], list(shown["files"])) == ("workspace", None, ["syncse.db"])
    assert cli("unpack", str(pack), "-o", str(tmp_path / "out")).returncode == 0
    assert cli("runs", "-w", str(tmp_path / "out")).returncode == 0
    assert cli("unpack", str(pack), "-o", str(tmp_path / "out")).returncode == ExitCode.USAGE
    assert cli("pack", str(tmp_path / "none"), "-o", str(pack)).returncode == ExitCode.USAGE
