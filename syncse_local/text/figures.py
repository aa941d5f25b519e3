"""Numbers, times and sizes as a person reads them. Trusts no shape: what a JSON column holds may be anything."""

import math
import time

from syncse_local.machine import MIB
from syncse_local.machine_memory import GIB


def number(value: object) -> float | None:
    """A finite number, or None for anything else a JSON column may hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def figure(value: object) -> str:
    """A number at a length to read at a glance: `1,600`, `51.2`, `0.8712`; empty for what is none."""
    found = number(value)
    if found is None:
        return ""
    if found == int(found) or abs(found) >= 1000:
        return f"{found:,.0f}" if abs(found) < 1e12 else f"{found:.3g}"
    return f"{found:.1f}" if abs(found) >= 10 else f"{found:.4g}"


def counted(value: object, noun: str) -> str:
    """A number with its noun: `1 task`, `7 tasks`, `? tasks` for what is no number."""
    shown = figure(value) or "?"
    return f"{shown} {noun}" if shown == "1" else f"{shown} {noun}s"


def hundred(value: object, missing: str = "undefined") -> str:
    """A score x 100 with two decimals, as papers print it: `81.55`; `missing` for what is no number."""
    found = number(value)
    return missing if found is None else f"{100 * found:.2f}"


def size(value: object) -> str:
    """Bytes as `1.25 GiB` or `7.2 MiB`; empty for what is no number or none."""
    found = number(value)
    if not found or found < 0:
        return ""
    return f"{found / GIB:.2f} GiB" if found >= GIB / 10 else f"{found / MIB:.1f} MiB"


def weights(value: object) -> str:
    """A number of weights as people say it: `7.6B`, `135M`; empty for what is no number or none."""
    found = number(value)
    if not found or found < 0:
        return ""
    for least, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if found >= least:
            return f"{found / least:.3g}{letter}"
    return f"{found:.0f}"


def clock(seconds: float) -> str:
    """`h:mm:ss`, or `m:ss` under an hour."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def moment(then: float) -> str:
    """Seconds since 1970 as this machine's date and time: `2025-11-24 09:30`."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(then))


def age(then: float | None, now: float) -> str:
    """How long ago in one unit: `now`, `12s`, `5m`, `3h`, `12d`; a time yet to come is `now`."""
    if then is None:
        return ""
    seconds = int(now - then)
    for least, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= least:
            return f"{seconds // least}{unit}"
    return f"{seconds}s" if seconds > 0 else "now"
