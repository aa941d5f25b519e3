"""The API key: read from the environment or a private file when needed, never written, shown or logged.

Knows where keys may lie; knows no server.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError

OWN, COMMON = "SYNCSE_API_KEY", "OPENAI_API_KEY"
HIDDEN = "[key]"
PLACEHOLDER = 8
"""Shorter keys are placeholders such as `none`: hiding those in texts would damage the texts."""


class Key:
    """A key, or none (`source` empty). It shows only where it came from."""

    __slots__ = ("_value", "source")

    def __init__(self, value: str = "", source: str = "") -> None:
        self._value, self.source = value, source

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"Key(from {self.source or 'nowhere'})"

    def headers(self, host: str = "") -> dict[str, str]:
        """The header that carries the key; Azure's servers look for it in one of their own."""
        azure = {"api-key": self._value} if host.endswith((".azure.com", ".azure-api.net")) else {}
        return {"Authorization": f"Bearer {self._value}", **azure} if self._value else {}

    def hide(self, text: str) -> str:
        """The text without the key: servers repeat keys in their errors, and texts are kept for ever."""
        return text.replace(self._value, HIDDEN) if len(self._value) >= PLACEHOLDER else text


def read_key(path: str = "", environment: Mapping[str, str] = os.environ) -> Key:
    """The key from SYNCSE_API_KEY, else from the file, else from OPENAI_API_KEY, else none.

    Raises SyncseError (USAGE) for a file that others can read and for a key that is no header value.
    """
    if value := environment.get(OWN, "").strip():
        return _checked(value, OWN)
    if path:
        return _checked(_read(Path(path).expanduser()), "api_key_file")
    if value := environment.get(COMMON, "").strip():
        return _checked(value, COMMON)
    return Key()


def _read(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            status = os.fstat(handle.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _bad(f"{path} is no regular file", "Give a file that holds the key.")
            if status.st_uid != os.getuid():
                raise _bad(f"{path} belongs to another user", f"Make it yours: chown $USER {path}.")
            if stat.S_IMODE(status.st_mode) & 0o177:
                raise _bad(f"{path} can be read by others", f"Make it private: chmod 600 {path}.")
            return handle.read(4096).decode("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        # `from None`: a decoding error carries the bytes.
        raise _bad(f"{path} cannot be read ({reason})", "Check api_key_file.") from None


def _checked(value: str, source: str) -> Key:
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise _bad(f"what {source} holds is no key", "A key is one word of printable ASCII.")
    return Key(value, source)


def _bad(what: str, hint: str) -> SyncseError:
    return SyncseError("The API key cannot be used", f"{what}.", hint, ExitCode.USAGE)
