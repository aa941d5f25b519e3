"""What a study has come to, arm by arm, as one file beside its own: written whole after each step. Knows no run."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FOLDER = "studies"


@dataclass(slots=True)
class ArmState:
    """The runs of one arm by seed, and why it came to nothing where it did. `draw` triplets were trained on; 0: all."""

    state: str = "waiting"
    generate: str = ""
    draw: int = 0
    train: dict[str, str] = field(default_factory=dict)
    evaluate: dict[str, str] = field(default_factory=dict)
    error: dict[str, Any] | None = None


@dataclass(slots=True)
class StudyState:
    """All arms by name, and the comparison of those that have scores."""

    study_sha256: str = ""
    arms: dict[str, ArmState] = field(default_factory=dict)
    compare: str = ""
    split: dict[str, Any] = field(default_factory=dict)
    own: str = ""
    """The directory with the triplets of held-out sentences; empty where there are none."""

    def to_dict(self) -> dict[str, Any]:
        """It as plain data."""
        return asdict(self)


def names(workspace: Path) -> list[str]:
    """The studies of a workspace: those that have a file."""
    return sorted(path.parent.name for path in (workspace / FOLDER).glob("*/study.toml"))


def folder(workspace: Path, name: str) -> Path:
    """Where a study lies."""
    return workspace / FOLDER / name


def load(workspace: Path, name: str) -> StudyState:
    """What was written last; an empty state where there is none."""
    path = folder(workspace, name) / "state.json"
    if not path.exists():
        return StudyState()
    data = json.loads(path.read_text(encoding="utf-8"))
    data["arms"] = {name: ArmState(**arm) for name, arm in data["arms"].items()}
    return StudyState(**data)


def save(workspace: Path, name: str, state: StudyState) -> None:
    """Write it whole, so that a reader or a power cut finds the old one or the new one."""
    path = folder(workspace, name) / "state.json"
    made = path.with_suffix(f".{os.getpid()}.part")
    with made.open("w", encoding="utf-8") as out:
        json.dump(state.to_dict(), out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    made.replace(path)
