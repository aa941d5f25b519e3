"""What a run costs and may cost: prices from the settings, money reserved before a request and settled after it.

The worst case of a request is reserved before it is sent, so the ceiling is never crossed. Knows no currency.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syncse_local.errors import ExitCode, SyncseError

MILLION = 1_000_000
"""Prices are for a million tokens."""
OVERHEAD = 16
"""Tokens that a chat template may add to each message."""


@dataclass(frozen=True, slots=True)
class Price:
    """Money per million tokens. `cached` is for prompt tokens that the server had computed before."""

    input: float
    output: float
    cached: float

    def cost(self, prompt: int, cached: int, output: int) -> float:
        """The money for these tokens; `cached` are part of `prompt`."""
        return ((prompt - cached) * self.input + cached * self.cached + output * self.output) / MILLION


def price_of(prices: Mapping[str, Any], model: str, ceiling: float) -> Price | None:
    """The model's price, None where none is stated.

    Raises SyncseError (USAGE) for a malformed price, and where there is a ceiling without a price to hold it.
    """
    stated = prices.get(model)
    if stated is None and not ceiling:
        return None
    numbers = [_number(stated.get(name)) for name in ("input", "output")] if isinstance(stated, Mapping) else [None]
    if None in numbers:
        raise SyncseError(
            "The model has no price",
            f'A price for "{model}" needs `input` and `output`, numbers for a million tokens.',
            f'Write it into syncse.toml: [prices."{model}"], or leave the ceiling away.',
            ExitCode.USAGE,
        )
    assert isinstance(stated, Mapping)
    paid, written = (number or 0.0 for number in numbers)
    cached = _number(stated.get("cached"))
    return Price(paid, written, paid if cached is None else cached)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 else None


class Spend:
    """Money spent and reserved; any thread may call it. Without a price everything is free, and there is no ceiling."""

    def __init__(self, price: Price | None = None, ceiling: float = 0.0) -> None:
        self._price, self.ceiling = price, ceiling
        self._lock = threading.Lock()
        self._spent = self._reserved = 0.0

    @property
    def spent(self) -> float:
        """What has been paid, as far as servers said what they counted; the worst case where they did not."""
        return self._spent

    def worst(self, text_bytes: int, messages: int, max_tokens: int) -> float:
        """The most a request can cost: no tokenizer makes more tokens than there are bytes."""
        return self._price.cost(text_bytes + OVERHEAD * messages, 0, max_tokens) if self._price else 0.0

    def reserve(self, amount: float) -> bool:
        """Set money aside; False, and nothing is set aside, where it could cross the ceiling."""
        with self._lock:
            if self.ceiling and self._spent + self._reserved + amount > self.ceiling:
                return False
            self._reserved += amount
            return True

    def settle(self, reserved: float, prompt: int = 0, cached: int = 0, output: int = 0) -> None:
        """Pay for an answer out of what was reserved; an answer without counts costs all of it."""
        counted = self._price.cost(prompt, min(cached, prompt), output) if self._price and prompt else reserved
        with self._lock:
            self._reserved -= reserved
            self._spent += counted

    def release(self, reserved: float) -> None:
        """Give back what was reserved for a request that cost nothing."""
        with self._lock:
            self._reserved -= reserved

    def ended(self) -> SyncseError:
        """The error when the ceiling is reached."""
        return SyncseError(
            "The spend ceiling is reached",
            f"{self._spent:.4f} of {self.ceiling:g} are spent, and the next request could cross the ceiling.",
            "Answered rows are kept. `syncse resume RUN` goes on and may spend as much again.",
        )
