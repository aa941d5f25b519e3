"""Errors a person meets and the exit codes of every command. Knows nothing of screens or logs."""

import errno
from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit status means."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOTHING = 3
    PREFLIGHT = 4
    BLOCKED = 5
    INTERRUPTED = 130


class SyncseError(Exception):
    """An expected failure: a title, one sentence of detail, and the next step for the user."""

    def __init__(self, title: str, detail: str, hint: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(f"{title}: {detail}")
        self.title = title
        self.detail = detail
        self.hint = hint
        self.code = code

    def as_dict(self) -> dict[str, str | int]:
        """The error as plain data, for the store and for --json."""
        return {"title": self.title, "detail": self.detail, "hint": self.hint, "code": int(self.code)}

    @classmethod
    def from_dict(cls, data: dict[str, str | int]) -> "SyncseError":
        """The inverse of `as_dict`."""
        return cls(str(data["title"]), str(data["detail"]), str(data["hint"]), ExitCode(int(data["code"])))


def refused(error: OSError) -> SyncseError:
    """What the system refused, in a user's words: the file, its reason, the next step."""
    what = str(error.filename or "the output or the system")
    detail = f"{what}: {error.strerror or error}."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "Free some space and start or resume again; what was finished is kept."
        return SyncseError("The disk is full", detail, hint)
    hint = "Check the permissions, the disk and the limits (`ulimit -a`); `syncse doctor` looks at the machine."
    return SyncseError("The system refused", detail, hint, ExitCode.PREFLIGHT)
