"""Writing results: files that have another content are left alone unless told otherwise. Knows no format."""

from collections.abc import Mapping
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError


def write(texts: Mapping[Path, str], force: bool) -> list[Path]:
    """Write the files, all or none where one is in the way. Raises SyncseError (USAGE) where one is there with another
    content and `force` is not given, and (PREFLIGHT) where the system refuses."""
    path = Path()
    try:
        for path, text in texts.items():
            if not force and path.exists() and path.read_bytes() != text.encode():
                raise SyncseError(
                    "The file exists", f"{path} has another content.", "Replace it: --force.", ExitCode.USAGE
                )
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
    except OSError as error:
        detail = f"{path}: {error.strerror or error}."
        raise SyncseError("Cannot write", detail, "Choose another place: --output.", ExitCode.PREFLIGHT) from error
    return list(texts)
