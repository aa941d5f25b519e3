"""Duplicates: triplets that were kept already, and sentences that are nearly one that was kept. Also across runs.

Stateful: rows are shown in plan order, and those that stay are remembered. Knows no database.
"""

import hashlib
from collections import defaultdict

from syncse_local.synthesis.filters.minhash import bands, shingles, signature
from syncse_local.synthesis.filters.settings import Duplicates
from syncse_local.synthesis.filters.verdict import Candidate, Check, Finding, Reason, drop_if
from syncse_local.text.clean import squash
from syncse_local.text.words import LOOKED_AT, jaccard

VERSION = 1
"""Of this filter's outcomes: goes up with every change of one, and stands beside each verdict."""
MOST = 50  # sentences looked at in one band: those of one frame would otherwise be compared each with each


class Kept:
    """The triplets that stayed so far, and two filters over them: `duplicate` and `near_duplicate`."""

    def __init__(self, settings: Duplicates) -> None:
        self._near = settings.near
        self._triplets: set[bytes] = set()
        self._sentences: dict[str, str] = {}
        self._bands: defaultdict[int, list[str]] = defaultdict(list)

    def checks(self) -> list[Check]:
        """The filters; `near_duplicate` scores the similarity with the nearest kept sentence that was found."""
        return [Check("duplicate", VERSION, self._duplicate), Check("near_duplicate", VERSION, self._near_duplicate)]

    def add(self, row: Candidate) -> None:
        """Remember a triplet that stays."""
        self._triplets.add(_digest(row))
        if row.key not in self._sentences:
            self._sentences[row.key] = row.sentence[:LOOKED_AT]
            for place in _places(row.sentence):
                self._bands[place].append(row.key)

    def _duplicate(self, row: Candidate) -> Finding:
        found = _digest(row) in self._triplets
        return drop_if(Reason.DUPLICATE if found else None, float(found))

    def _near_duplicate(self, row: Candidate) -> Finding:
        """Samples of one sentence are no duplicates of each other."""
        if row.key in self._sentences:
            return drop_if(None, 0.0)
        own = shingles(row.sentence[:LOOKED_AT])
        keys = {key for place in _places(row.sentence) for key in self._bands.get(place, ())[:MOST]}
        score = max((jaccard(own, shingles(self._sentences[key])) for key in keys), default=0.0)
        return drop_if(Reason.NEAR_DUPLICATE if score >= self._near else None, score)


def _digest(row: Candidate) -> bytes:
    parts = (squash(text) or text for text in (row.sentence, row.positive, row.negative))
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _places(sentence: str) -> list[int]:
    return [
        hash(band) for band in bands(signature(shingles(sentence[:LOOKED_AT])))
    ]  # integers: the same in every process
