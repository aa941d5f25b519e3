"""The triplets of held-out sentences as one file: as many by each generator, named by its content. Knows no run."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from syncse_local.study.split import FOLDER

FILE = "held-out.jsonl"


def write(workspace: Path, made: Sequence[Sequence[Mapping[str, Any]]]) -> Path | None:
    """The directory with the file; `made` has each generator's triplets. None where there are none."""
    there = [rows for rows in made if rows]
    least = min(map(len, there), default=0)
    lines = [_line(row) for rows in there for row in sorted(rows, key=_place)[:least]]
    if not lines:
        return None
    text = "".join(lines)
    folder = workspace / FOLDER / f"held-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{FILE}.{os.getpid()}"
    path.write_text(text, encoding="utf-8")
    path.replace(folder / FILE)
    return folder.resolve()


def _place(row: Mapping[str, Any]) -> tuple[str, int]:
    """An order that no generator decides: a hash of the sentence, then the sample."""
    return hashlib.sha256(str(row["sentence_key"]).encode()).hexdigest(), int(row["sample"])


def _line(row: Mapping[str, Any]) -> str:
    kept = {"anchor": row["sentence"], "positive": row["positive"], "negative": row["negative"]}
    return json.dumps(kept, ensure_ascii=True) + "\n"
