"""Options of the server backend, checked before anything is asked of a server. Knows names and ranges, no protocol."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncse_local.backends.options import read_options
from syncse_local.errors import ExitCode, SyncseError

NAME = "openai_compat"


@dataclass(frozen=True, slots=True)
class OpenAIOptions:
    """How servers are asked.

    `base_urls`: one pool; all must serve the same model. `allow_remote`: rows may leave this machine. `api_key_file`:
    see `key`. `concurrency`: requests in flight per URL. `timeout_s`: seconds one request may take. `retries`:
    how often a row is asked again after faults. `backoff_s`: first pause after a fault, doubled each time, at most 30 s.
    `patience_s`: seconds after a row's first attempt (and of a server's Retry-After) that are waited at most.
    `prices`: money per million tokens, `{model: {input, output, cached}}`. `max_spend`: ceiling in the same money for
    one start of a run, 0 for none.
    """

    base_urls: tuple[str, ...] = ()
    allow_remote: bool = False
    api_key_file: str = ""
    concurrency: int = 8
    timeout_s: float = 120.0
    retries: int = 6
    backoff_s: float = 0.5
    patience_s: float = 600.0
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    max_spend: float = 0.0

    def __post_init__(self) -> None:
        if not self.base_urls:
            raise _bad("no server is named", "Add --base-url, for example --base-url http://127.0.0.1:8000/v1.")
        _check("concurrency", self.concurrency, 1, 1024)
        _check("timeout_s", self.timeout_s, 0.01, 86_400)
        _check("retries", self.retries, 0, 100)
        _check("backoff_s", self.backoff_s, 0, 60)
        _check("patience_s", self.patience_s, 0, 86_400)
        _check("max_spend", self.max_spend, 0, 1e9)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "OpenAIOptions":
        """Options from plain data. Raises SyncseError (USAGE) for an unknown name or a value out of range."""
        return read_options(cls, NAME, given)


def _check(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise _bad(f"{name} = {value!r}", f"Give a number from {least:g} to {most:g}.")


def _bad(what: str, hint: str) -> SyncseError:
    return SyncseError("Bad backend option", f"{NAME}: {what}.", hint, ExitCode.USAGE)
