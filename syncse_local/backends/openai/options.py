"""Options of the server backend, checked before anything is asked of a server. Knows names and ranges, no protocol."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from syncse_local.errors import ExitCode, SyncseError


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

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "OpenAIOptions":
        """Options from plain data. Raises SyncseError (USAGE) for an unknown name or a value out of range."""
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(given) - known):
            raise SyncseError(
                "Unknown backend option",
                f"openai_compat has no option {', '.join(unknown)}.",
                f"Its options are: {', '.join(sorted(known))}.",
                ExitCode.USAGE,
            )
        made = cls(**{**given, "base_urls": tuple(dict.fromkeys(given.get("base_urls", ())))})
        if not made.base_urls:
            raise _bad("no server is named", "Add --base-url, for example --base-url http://127.0.0.1:8000/v1.")
        _check("concurrency", made.concurrency, 1, 1024)
        _check("timeout_s", made.timeout_s, 0.01, 86_400)
        _check("retries", made.retries, 0, 100)
        _check("backoff_s", made.backoff_s, 0, 60)
        _check("patience_s", made.patience_s, 0, 86_400)
        _check("max_spend", made.max_spend, 0, 1e9)
        return made


def _check(name: str, value: float, least: float, most: float) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not least <= value <= most:
        raise _bad(f"{name} = {value!r}", f"Give a number from {least:g} to {most:g}.")


def _bad(what: str, hint: str) -> SyncseError:
    return SyncseError("Bad backend option", f"openai_compat: {what}.", hint, ExitCode.USAGE)
