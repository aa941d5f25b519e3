"""Running counts over triplets: words, overlaps, and where the hard negative is nearer than the positive. Bounded memory."""

from dataclasses import dataclass, field
from typing import Any

from syncse_local.text.words import overlap, tokens

WIDTH = 4
"""Words a bin of the length histogram; the last bin has all that is longer."""
LENGTHS = 11
"""Bins of that histogram: up to 40 words, which few sentences pass."""
OVERLAPS = 10
"""Bins of the overlap histogram: tenths."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One triplet's figures: words of each text, and the share of words that each output has in common with the sentence."""

    words: dict[str, int]
    positive_overlap: float
    negative_overlap: float

    @classmethod
    def of(cls, sentence: str, positive: str, negative: str) -> "Measured":
        """Measure a triplet. Overlap is the Jaccard similarity of the words, as the filter `lexical` has it."""
        sizes = {
            "sentence": len(tokens(sentence)), "positive": len(tokens(positive)), "negative": len(tokens(negative)),
        }  # fmt: skip
        return cls(sizes, overlap(sentence, positive), overlap(sentence, negative))


@dataclass(slots=True)
class Tally:
    """Counts of the triplets added. `nearer` are those whose hard negative shares more words with the sentence."""

    triplets: int = 0
    nearer: int = 0
    ties: int = 0
    positive_overlap: float = 0.0
    negative_overlap: float = 0.0
    words: dict[str, int] = field(default_factory=dict)

    def add(self, found: Measured) -> None:
        """Count one triplet."""
        self.triplets += 1
        self.nearer += found.negative_overlap > found.positive_overlap
        self.ties += found.negative_overlap == found.positive_overlap
        self.positive_overlap += found.positive_overlap
        self.negative_overlap += found.negative_overlap
        for name, count in found.words.items():
            self.words[name] = self.words.get(name, 0) + count

    def to_dict(self) -> dict[str, Any]:
        """Means over the triplets; None where there is none."""
        return {
            "triplets": self.triplets,
            "positive_overlap": self._share(self.positive_overlap),
            "negative_overlap": self._share(self.negative_overlap),
            "negative_nearer": self._share(self.nearer),
            "ties": self._share(self.ties),
            "words": {name: self._share(count) for name, count in self.words.items()},
        }

    def _share(self, total: float) -> float | None:
        return round(total / self.triplets, 6) if self.triplets else None


@dataclass(slots=True)
class Histograms:
    """Triplets by the words of each text, and by each output's overlap with the sentence, in tenths."""

    words: dict[str, list[int]] = field(default_factory=dict)
    overlap: dict[str, list[int]] = field(default_factory=dict)

    def add(self, found: Measured) -> None:
        """Count one triplet."""
        for name, count in found.words.items():
            self.words.setdefault(name, [0] * LENGTHS)[min(max(count - 1, 0) // WIDTH, LENGTHS - 1)] += 1
        for name, value in (("positive", found.positive_overlap), ("negative", found.negative_overlap)):
            self.overlap.setdefault(name, [0] * OVERLAPS)[min(int(value * OVERLAPS), OVERLAPS - 1)] += 1


def length_labels() -> list[str]:
    """The bins of the length histogram: `1-4`, `5-8` ... `41+`."""
    ends = [f"{i * WIDTH + 1}-{(i + 1) * WIDTH}" for i in range(LENGTHS - 1)]
    return [*ends, f"{(LENGTHS - 1) * WIDTH + 1}+"]


def overlap_labels() -> list[str]:
    """The bins of the overlap histogram: `0.0-0.1` ... `0.9-1.0`."""
    return [f"{i / OVERLAPS:.1f}-{(i + 1) / OVERLAPS:.1f}" for i in range(OVERLAPS)]
