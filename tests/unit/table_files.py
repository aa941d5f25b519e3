"""What the tests of tables share: a file with given content, and the sentences that are read of one. Tests nothing."""

from pathlib import Path
from typing import Any

from syncse_local.text.ingest import open_input


def sentences(path: Path, **options: Any) -> list[str]:
    return [row.sentence for row in open_input(path, **options)]


def write(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(content.encode(encoding))
    return path
