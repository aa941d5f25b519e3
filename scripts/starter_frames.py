"""Examples from the starter sentences' own grammar: fresh fillings of its frames, what may stand for them, what contradicts them.

Reads `starter_sentences.toml` and the hand-written variants in `starter_frames_*.toml`. Knows no model and no tokenizer.
"""

import random
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from make_starter_sentences import DATA, article
from make_starter_sentences import load as load_grammar

HERE = Path(__file__).resolve().parent
_SLOT = re.compile(r"\{(a )?([a-z_]+)(\.2)?\}")
Values = dict[str, tuple[str, str]]
"""The first and second filler of each slot."""


@dataclass(frozen=True)
class Frame:
    """One frame with the frames that keep its meaning and those that contradict it."""

    text: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]


class Frames:
    """An endless source of (sentence, answer, kind) with kind `positive` or `negative`."""

    def __init__(self, grammar: Path = DATA, folder: Path = HERE) -> None:
        self.slots = load_grammar(grammar)[0]
        self.frames = [
            Frame(entry["text"], tuple(entry["positive"]), tuple(entry["negative"]))
            for path in sorted(folder.glob("starter_frames_*.toml"))
            for entry in tomllib.loads(path.read_text(encoding="utf-8"))["frame"]
        ]

    def draw(self, rng: random.Random) -> tuple[str, str, str]:
        """A filled frame with one positive or one hard negative of it."""
        frame = rng.choice(self.frames)
        values = self._values(frame, rng)
        sentence = fill(frame.text, values)
        kind = rng.random()
        if kind < 0.5:
            return sentence, fill(rng.choice(frame.positive), values), "positive"
        if kind < 0.75:
            return sentence, fill(rng.choice(frame.negative), values), "negative"
        return sentence, self._swapped(frame, values, rng), "negative"

    def triplet(self, rng: random.Random) -> tuple[str, str, str]:
        """A filled frame with one positive and one hard negative."""
        frame = rng.choice(self.frames)
        values = self._values(frame, rng)
        negative = fill(rng.choice(frame.negative), values) if rng.random() < 0.5 else self._swapped(frame, values, rng)
        return fill(frame.text, values), fill(rng.choice(frame.positive), values), negative

    def _values(self, frame: Frame, rng: random.Random) -> Values:
        names = dict.fromkeys(match[2] for match in _SLOT.finditer(frame.text))
        return {name: (first, second) for name in names for first, second in [rng.sample(self.slots[name], 2)]}

    def _swapped(self, frame: Frame, values: Values, rng: random.Random) -> str:
        """The frame, or a positive of it that names every slot, with one filler or all of them changed."""
        names = sorted(values)
        whole = [text for text in frame.positive if set(_names(text)) == set(_names(frame.text))]
        changed = [rng.choice(names)] if rng.random() < 0.6 else names
        mixed = {name: self._other(pair, self.slots[name], rng) for name, pair in values.items() if name in changed}
        return fill(rng.choice([frame.text, *whole]), values | mixed)

    @staticmethod
    def _other(pair: tuple[str, str], fillers: list[str], rng: random.Random) -> tuple[str, str]:
        first, second = rng.sample([filler for filler in fillers if filler not in pair], 2)
        return first, second


def _names(text: str) -> list[str]:
    return [match[2] + (match[3] or "") for match in _SLOT.finditer(text)]


def fill(frame: str, values: Values) -> str:
    """`frame` with its slots filled and its first letter a capital; the second naming of a slot takes the second filler."""

    def choose(match: re.Match[str]) -> str:
        phrase = values[match[2]][1 if match[3] else 0]
        return f"{article(phrase)} {phrase}" if match[1] else phrase

    text = _SLOT.sub(choose, _number_again(frame))
    return text[0].upper() + text[1:]


def _number_again(frame: str) -> str:
    """Write `.2` behind the second naming of a slot in a frame of the grammar, which leaves it out."""
    seen: set[str] = set()

    def mark(match: re.Match[str]) -> str:
        if match[3] or match[2] not in seen:
            seen.add(match[2])
            return match[0]
        return match[0][:-1] + ".2}"

    return frame if ".2}" in frame else _SLOT.sub(mark, frame)
