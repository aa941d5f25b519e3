"""Writes the starter corpus: original English sentences, one a line, from starter_sentences.toml.

It fills hand-written sentence frames with hand-written phrases and adds complete sentences from the same
file. It knows nothing of meaning: whether two fillers suit each other is settled by the data alone, and
its checks see only spelling of articles, length, capitals, end marks and repeats.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
DATA = HERE / "starter_sentences.toml"
OUTPUT = HERE.parent / "models" / "starter-sentences" / "sentences.txt"

SEED = "starter-sentences-1"
FRAME_SENTENCES_PER_GENRE = 135
MAX_PER_FRAME = 14
MIN_FILLERS, MIN_FRAMES, MIN_GENRES = 25, 12, 12
MIN_WORDS, MAX_WORDS = 5, 24

SLOT = re.compile(r"\{(a )?([a-z_]+)\}")
# Words whose article does not follow from their first letter.
VOWEL_SOUND = re.compile(r"(?i)(?:hour|honest|heir|honou?r|x-ray)")
CONSONANT_SOUND = re.compile(r"(?i)(?:uni(?!m|n)|us[ei]|euro|one\b|one-|once|ukulele|yurt)")
WRONG_ARTICLE = re.compile(r"\b([Aa]n?) ([A-Za-z][\w-]*)")


class Genre(NamedTuple):
    """One genre: sentence frames with slots, and complete sentences."""

    name: str
    frames: list[str]
    sentences: list[str]


def article(phrase: str) -> str:
    """Return "a" or "an", whichever suits the sound that `phrase` begins with."""
    if CONSONANT_SOUND.match(phrase):
        return "a"
    return "an" if VOWEL_SOUND.match(phrase) or phrase[0].lower() in "aeiou" else "a"


def shuffled(items: Iterable[str], key: str) -> list[str]:
    """Order `items` by a hash of the seed, `key` and the item: the same on every Python version."""
    return sorted(items, key=lambda item: hashlib.sha256(f"{SEED}|{key}|{item}".encode()).digest())


def load(path: Path) -> tuple[dict[str, list[str]], list[Genre]]:
    """Read slots and genres from the data file and check that they are complete."""
    raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    slots = {name: [" ".join(part.split()) for part in text.split("|")] for name, text in raw["slots"].items()}
    genres = [
        Genre(entry["name"], entry["frames"].strip().splitlines(), entry["sentences"].strip().splitlines())
        for entry in raw["genre"]
    ]
    used = {match[2] for genre in genres for frame in genre.frames for match in SLOT.finditer(frame)}
    problems = [f"slot {name} is {'unused' if name in slots else 'missing'}" for name in used ^ set(slots)]
    problems += [
        f"slot {name} has {len(set(fill))} fillers"
        for name, fill in slots.items()
        if len(set(fill)) < MIN_FILLERS or len(set(fill)) != len(fill) or "" in fill
    ]
    problems += [f"genre {genre.name} has too few frames" for genre in genres if len(genre.frames) < MIN_FRAMES]
    if len(genres) < MIN_GENRES:
        problems.append(f"only {len(genres)} genres")
    if problems:
        raise ValueError("; ".join(sorted(problems)))
    return slots, genres


def fill_frame(frame: str, count: int, slots: dict[str, list[str]]) -> list[str]:
    """Fill `frame` `count` times; within one frame, no filler stands twice in the same place."""
    orders = {match[2]: shuffled(slots[match[2]], f"{frame}|{match[2]}") for match in SLOT.finditer(frame)}
    filled = []
    for turn in range(count):
        seen: dict[str, int] = {}

        def choose(match: re.Match[str], turn: int = turn, seen: dict[str, int] = seen) -> str:
            order = orders[match[2]]
            nth = seen[match[2]] = seen.get(match[2], -1) + 1
            # A slot named again in the frame reads its list from further on, so the two differ.
            phrase = order[(turn + nth * (len(order) // 2)) % len(order)]
            return f"{article(phrase)} {phrase}" if match[1] else phrase

        text = SLOT.sub(choose, frame)
        filled.append(text[0].upper() + text[1:])
    return filled


def genre_sentences(genre: Genre, slots: dict[str, list[str]]) -> list[str]:
    """Return the complete sentences of `genre`, then those from its frames in even shares."""
    share, extra = divmod(FRAME_SENTENCES_PER_GENRE, len(genre.frames))
    out = list(genre.sentences)
    for index, frame in enumerate(genre.frames):
        out += fill_frame(frame, min(share + (index < extra), MAX_PER_FRAME), slots)
    return out


def faults(sentence: str) -> list[str]:
    """Say what is formally wrong with `sentence`; an empty list when nothing is."""
    found = []
    if not MIN_WORDS <= len(sentence.split()) <= MAX_WORDS:
        found.append("length")
    if not sentence[0].isupper() or sentence[-1] not in ".?":
        found.append("capital or end mark")
    if "  " in sentence or "{" in sentence or "}" in sentence or not sentence.isascii():
        found.append("stray character")
    found += [f"article: {a} {word}" for a, word in WRONG_ARTICLE.findall(sentence) if a.lower() != article(word)]
    return found


def build() -> str:
    """Build the whole corpus as text, or raise ValueError naming the sentences at fault."""
    slots, genres = load(DATA)
    sentences = [sentence for genre in genres for sentence in genre_sentences(genre, slots)]
    problems = [f"{fault}: {sentence}" for sentence in sentences for fault in faults(sentence)]
    problems += [f"repeated: {s}" for s in sorted(set(sentences)) if sentences.count(s) > 1]
    if problems:
        raise ValueError("\n".join(problems))
    return "\n".join(shuffled(sentences, "order")) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Write the corpus, or with --check compare it with the file on disk (1 if they differ)."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file differs")
    options = parser.parse_args(argv)
    try:
        corpus = build().encode("utf-8")
    except ValueError as error:
        print(f"{DATA.name}: {error}", file=sys.stderr)
        return 2
    if options.check:
        same = OUTPUT.is_file() and OUTPUT.read_bytes() == corpus
        print(f"{OUTPUT.name}: {'up to date' if same else 'differs from what the data file gives'}")
        return 0 if same else 1
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(corpus)
    print(f"{OUTPUT.name}: {corpus.count(10)} sentences")
    return 0


if __name__ == "__main__":
    sys.exit(main())
