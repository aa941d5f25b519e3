"""What would leave this machine, in words: how many sentences and requests, three samples, to whom.

Knows counts and texts; no engine. Decides nothing and sends nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.display import safe

SAMPLES = 3
"""Enough to recognise one's own data, few enough to be read before saying yes."""
SAMPLE_CHARS = 80
"""So many sentences are shown, each in one line of a terminal."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """`samples` are escaped and shortened. `key` says where the key comes from that goes with every request."""

    servers: tuple[str, ...]
    sentences: int
    requests: int
    samples: tuple[str, ...]
    key: str = ""

    def sentence(self) -> str:
        """All of it in one sentence."""
        shown = "; ".join(f'"{sample}"' for sample in self.samples)
        key = f", with the key of {self.key}" if self.key else ""
        return (
            f"{self.sentences:,} sentences in {self.requests:,} requests would be sent to "
            f"{', '.join(self.servers)}{key}. For example: {shown or 'nothing'}."
        )

    def lines(self) -> list[str]:
        """The same for a person who has agreed."""
        return [
            f"leaves this machine: {self.sentences:,} sentences in {self.requests:,} requests",
            *(f"  to {server}" for server in self.servers),
            *([f"  with the key of {self.key}"] if self.key else []),
            *(f'  for example "{sample}"' for sample in self.samples),
        ]

    def refusal(self) -> SyncseError:
        """The error where nobody has agreed."""
        hint = "Add --allow-remote if that is what you want, or use a server on 127.0.0.1."
        return SyncseError("This would leave the machine", self.sentence(), hint, ExitCode.USAGE)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for --json."""
        return asdict(self)


def leaving(servers: Sequence[str], texts: Iterable[str], calls: int, key: str = "") -> Leaving:
    """What would leave to `servers` for `texts`, each sent in `calls` requests. Reads every text once, keeps three."""
    found = iter(texts)
    samples = list(islice(found, SAMPLES))
    count = len(samples) + sum(1 for _ in found)
    return Leaving(tuple(servers), count, count * calls, tuple(safe(sample, SAMPLE_CHARS) for sample in samples), key)
