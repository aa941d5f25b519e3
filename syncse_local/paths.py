"""Where things lie: the bundled models beside a checkout or inside a wheel, and what belongs to the user.

A user may have no home directory, and a number without a name: a container started with a bare number has neither.
"""

import os
import tempfile
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError

HERE = Path(__file__).resolve().parent


def bundled() -> Path:
    """The `models/` directory that ships with the project."""
    beside = HERE.parent / "models"
    return beside if beside.is_dir() else HERE / "_models"


def starter_llm() -> Path:
    """The bundled language model, a GGUF file."""
    return bundled() / "starter-llm" / "starter-llm.gguf"


def starter_encoder() -> Path:
    """The bundled encoder's directory."""
    return bundled() / "starter-encoder"


def starter_sts() -> Path:
    """The bundled STS smoke test."""
    return bundled() / "starter-sts" / "pairs.tsv"


def starter_sentences() -> Path:
    """The bundled sentences to generate from."""
    return bundled() / "starter-sentences" / "sentences.txt"


def home() -> Path:
    """The user's home directory; where there is none, a place in which no file can be."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull)


def expanded(text: str) -> str:
    """The path with `~` as the home directory. Raises SyncseError (USAGE) where there is none."""
    found = os.path.expanduser(text)
    if text.startswith("~") and found == text:
        detail = f"{text} begins in a home directory, and there is none: HOME is not set."
        raise SyncseError("No home directory", detail, "Give the whole path, or set HOME.", ExitCode.USAGE)
    return found


def own_directory(variable: str, below_home: str) -> Path:
    """This program's directory in the user's own state or cache: where `variable` (XDG) says, else below home.

    Where that cannot be written it is one in the temporary directory, named after the user's number.
    """
    base = Path(os.environ.get(variable) or home() / below_home)
    nearest = next((path for path in (base, *base.parents) if os.path.exists(path)), base)
    if os.path.isdir(nearest) and os.access(nearest, os.W_OK) and base.is_absolute():
        return base / "syncse-local"
    return Path(tempfile.gettempdir()) / f"syncse-local-{user_number()}"


def make_private(directory: Path) -> None:
    """Make a directory that only this user may enter. Raises OSError where it is there and somebody else's."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if directory.is_symlink() or directory.stat().st_uid != user_number():
        raise PermissionError(f"{directory} belongs to somebody else")
    directory.chmod(0o700)


def user_number() -> int:
    """The user's number; 0 where systems have none."""
    return os.getuid() if hasattr(os, "getuid") else 0
