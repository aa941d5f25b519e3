"""Sentences kept apart before anything is generated: a hash of the sentence decides, so that no order and no run can.

The two parts lie in the workspace under the hash of the input and the share, for all studies that split alike.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.clean import sentence_key
from syncse_local.text.files import file_sha256
from syncse_local.text.ingest import open_input

FOLDER = "splits"
STEPS = 1_000_000
"""A share is told in millionths: finer than any file is long."""


@dataclass(frozen=True, slots=True)
class SplitInput:
    """The sentences to generate from, and those that are never trained on."""

    train: Path
    held_out: Path
    sentences: int
    kept: int


def split(workspace: Path, source: Path, limit: int, share: float) -> SplitInput:
    """The parts of the first `limit` sentences of a file (0: all), made where they are not there yet. Raises SyncseError."""
    about = f"{file_sha256(source)} {limit} {share:.6f}"
    folder = workspace / FOLDER / hashlib.sha256(about.encode()).hexdigest()[:16]
    parts = folder / "train.txt", folder / "held-out.txt"
    if not all(part.exists() for part in parts):
        folder.mkdir(parents=True, exist_ok=True)
        rows = list(islice(iter(open_input(source)), limit or None))
        for part, wanted in zip(parts, (False, True), strict=True):
            texts = [" ".join(row.sentence.split()) for row in rows if is_held_out(row.key, share) is wanted]
            _write(part, texts)
    train, held = (sum(1 for _ in part.open(encoding="utf-8")) for part in parts)
    if not train:
        detail = f"{source} has no sentence to generate from ({held} are kept apart)."
        raise SyncseError(
            "Nothing to generate from", detail, "Lower held_out, or give more sentences.", ExitCode.NOTHING
        )
    return SplitInput(*parts, train, held)


def is_held_out(key: str, share: float) -> bool:
    """Whether the sentence of this key is kept apart."""
    digest = hashlib.sha256(f"held-out {key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % STEPS < round(share * STEPS)


def overlap(parts: SplitInput, path: Path) -> Iterator[str]:
    """The anchors of a file of triplets that are kept apart: they must not be trained on."""
    apart = {sentence_key(line.rstrip("\n")) for line in parts.held_out.open(encoding="utf-8")}
    yield from (row.sentence for row in open_input(path, complete=True) if row.key in apart)


def _write(path: Path, lines: list[str]) -> None:
    made = path.with_suffix(f".{os.getpid()}.part")
    made.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    made.replace(path)
