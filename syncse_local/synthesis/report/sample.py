"""A seeded sample of a stream: the same items whatever their order, and of any prefix of the ranks. Bounded memory."""

import hashlib
from heapq import heappush, heappushpop


def rank(seed: int, *name: object) -> int:
    """64 bits that depend on the seed and the item's name alone."""
    text = "\x1f".join(map(str, (seed, *name))).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


class Sample:
    """The `size` texts of the lowest ranks, with the number of all that were offered in `seen`."""

    def __init__(self, size: int) -> None:
        self.size, self.seen = size, 0
        self._kept: list[tuple[int, str]] = []

    def add(self, place: int, text: str) -> None:
        """Offer a text of this rank."""
        self.seen += 1
        item = (-place, text)
        if len(self._kept) < self.size:
            heappush(self._kept, item)
        elif self._kept and item > self._kept[0]:
            heappushpop(self._kept, item)

    def texts(self, count: int) -> list[str]:
        """The first `count` texts by rank."""
        return [text for _, text in sorted(self._kept, reverse=True)[:count]]
