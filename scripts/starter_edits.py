"""Rule-based edits of English sentences: paraphrases, entailed shortenings and contradictions.

They give the starter LLM clean examples of copying and editing. Knows words and positions; knows no grammar, so
every edit is small and most sentences offer only a few.
"""

import random
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Edit = Callable[[list[str], random.Random], list[str] | None]
"""Words in, edited words out, or None where the edit does not apply."""

_WORD = re.compile(r"\d+(?:[.,:]\d+)+\w*|\w+(?:[-'’]\w+)*|[^\w\s]")
_DETERMINERS = frozenset("a an the his her their its this that some my our".split())
_PLACE = frozenset("in on at near by through across along beside behind under over around with during from".split())
_AUX = frozenset("is are was were".split())


def words_of(sentence: str) -> list[str]:
    """Split into words and punctuation marks."""
    return _WORD.findall(sentence)


def sentence_of(words: list[str]) -> str:
    """Join words, mend a/an and spacing, capitalise the first letter."""
    text = " ".join(words)
    text = re.sub(r"\s+([.,;:?!)\]])", r"\1", text)
    text = re.sub(r"([(\[$])\s+", r"\1", text)
    text = re.sub(r"\b([Aa])n?\s+(?=([A-Za-z]))", _article, text)
    return text[:1].upper() + text[1:]


def _article(match: re.Match[str]) -> str:
    vowel = match.group(2).lower() in "aeio"
    return f"{match.group(1)}{'n' if vowel else ''} "


@dataclass(frozen=True)
class Lexicon:
    """Word lists read from `starter_lexicon.toml`; every value is a list of alternatives."""

    synonyms: dict[str, list[str]]
    wider: dict[str, list[str]]
    rivals: dict[str, list[str]]
    adjectives: frozenset[str]
    adverbs: frozenset[str]
    passives: dict[str, str]
    topics: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "Lexicon":
        """Read the TOML file at `path`."""
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        wider = {line.split()[0]: line.split()[1:] for line in raw["wider"]}
        topic_of: dict[str, list[str]] = {}
        for topic, keys in raw["topics"].items():
            for key in keys.split():
                topic_of.setdefault(key, []).append(topic)
        return cls(
            synonyms=_groups(raw["synonyms"]),
            wider=wider,
            rivals=_groups(raw["rivals"]),
            adjectives=frozenset(raw["adjectives"].split()),
            adverbs=frozenset(raw["adverbs"].split()),
            passives=dict(pair.split(":") for pair in raw["passives"].split()),
            topics=topic_of,
        )


def _groups(lines: list[str]) -> dict[str, list[str]]:
    """Each word of a line stands for every other; phrases (with underscores) are only ever put in, not looked up."""
    table: dict[str, list[str]] = {}
    for line in lines:
        members = line.split()
        for word in members:
            if "_" not in word:
                table.setdefault(word, []).extend(m for m in members if m != word)
    return table


class Edits:
    """The edits over one lexicon, grouped by what they keep: `positive` the meaning, `negative` the topic only."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.by_prompt: dict[str, list[Edit]] = {
            "paraphrase": [self.synonyms, self.synonyms, self.there_is, self.swap_pair],
            "rewrite": [self.front_place, self.passive, self.there_is, self.swap_pair, self.both_rewrites],
            "entail": [self.widen, self.drop_tail, self.drop_adjectives, self.widen_and_drop],
            "concise": [self.drop_tail, self.drop_adjectives, self.drop_adverbs, self.drop_all],
            "swap-details": [self.rival, self.two_rivals, self.number, self.swap_roles],
            "oppose": [self.negate, self.rival, self.negate],
            "transform": [self.two_rivals, self.rival_and_synonym, self.swap_roles],
            "contrast": [self.rival_and_drop, self.negate_and_drop, self.two_rivals],
        }

    def apply(self, prompt: str, sentence: str, rng: random.Random) -> str | None:
        """One edited sentence for this prompt id, or None where none of its edits applies."""
        words = words_of(sentence)
        options = list(self.by_prompt[prompt])
        rng.shuffle(options)
        for edit in options:
            changed = edit(list(words), rng)
            if changed and changed != words and len(changed) > 2:
                return sentence_of(changed)
        return None

    def _replace(
        self, words: list[str], table: dict[str, list[str]], most: int, rng: random.Random
    ) -> list[str] | None:
        spots = [i for i, w in enumerate(words) if w in table or (i == 0 and w.lower() in table)]
        if not spots:
            return None
        rng.shuffle(spots)
        for i in spots[:most]:
            options = table.get(words[i]) or table[words[i].lower()]
            words[i] = rng.choice(options).replace("_", " ")
        return " ".join(words).split()

    def synonyms(self, words: list[str], rng: random.Random) -> list[str] | None:
        return self._replace(words, self.lexicon.synonyms, 4, rng)

    def widen(self, words: list[str], rng: random.Random) -> list[str] | None:
        return self._replace(words, self.lexicon.wider, 2, rng)

    def rival(self, words: list[str], rng: random.Random) -> list[str] | None:
        return self._replace(words, self.lexicon.rivals, 1, rng)

    def two_rivals(self, words: list[str], rng: random.Random) -> list[str] | None:
        return self._replace(words, self.lexicon.rivals, 3, rng)

    def number(self, words: list[str], rng: random.Random) -> list[str] | None:
        spots = [i for i, w in enumerate(words) if w.isdigit()]
        if not spots:
            return None
        i = rng.choice(spots)
        value = int(words[i])
        words[i] = str(max(0, value + rng.choice([-7, -3, -1, 1, 2, 5, 10])))
        return words

    def negate(self, words: list[str], rng: random.Random) -> list[str] | None:
        lower = [w.lower() for w in words]
        if "not" in lower:
            return [w for w in words if w.lower() != "not"]
        for i, word in enumerate(lower):
            if 0 < i < len(words) - 2 and word in _AUX | {
                "can",
                "will",
                "has",
                "have",
                "had",
                "could",
                "should",
                "would",
            }:
                return [*words[: i + 1], "not", *words[i + 1 :]]
        return None

    def swap_roles(self, words: list[str], rng: random.Random) -> list[str] | None:
        """`A chases B.` -> `B chases A.` for `<det> x is <verb>ing <det> y.`"""
        parts = self._transitive(words)
        if not parts:
            return None
        subject, aux, verb, obj, tail = parts
        return [*obj, aux, verb, *_lower_first(subject), *tail]

    def passive(self, words: list[str], rng: random.Random) -> list[str] | None:
        parts = self._transitive(words)
        if not parts or parts[2] not in self.lexicon.passives:
            return None
        subject, aux, verb, obj, tail = parts
        return [*obj, aux, "being", self.lexicon.passives[verb], "by", *_lower_first(subject), *tail]

    def _transitive(self, words: list[str]) -> tuple[list[str], str, str, list[str], list[str]] | None:
        aux = next((i for i, w in enumerate(words[:7]) if w in {"is", "was"}), 0)
        if (
            not aux
            or words[0].lower() not in _DETERMINERS
            or aux + 3 >= len(words)
            or not words[aux + 1].endswith("ing")
        ):
            return None
        if words[aux + 2] not in {"a", "an", "the", "his", "her"}:
            return None
        end = aux + 4
        if end < len(words) and words[aux + 3] in self.lexicon.adjectives:
            end += 1
        obj = words[aux + 2 : end]
        return words[:aux], words[aux], words[aux + 1], obj, words[end:]

    def there_is(self, words: list[str], rng: random.Random) -> list[str] | None:
        """`A man is riding` <-> `There is a man riding`."""
        if [w.lower() for w in words[:2]] in (["there", "is"], ["there", "are"]):
            verb = next((i for i, w in enumerate(words) if i > 2 and w.endswith("ing")), 0)
            return [*words[2:verb], words[1], *words[verb:]] if verb else None
        aux = next((i for i, w in enumerate(words[:6]) if w in {"is", "are"}), 0)
        if (
            aux
            and words[0].lower() in {"a", "an", "two", "three", "some", "several"}
            and words[aux + 1].endswith("ing")
        ):
            return ["There", words[aux], *_lower_first(words[:aux]), *words[aux + 1 :]]
        return None

    def front_place(self, words: list[str], rng: random.Random) -> list[str] | None:
        """`X rests in the park.` -> `In the park, X rests.`"""
        start = _tail_phrase(words)
        if not start:
            return None
        end = len(words) - 1 if words[-1] in ".?!" else len(words)
        return [*words[start:end], ",", *_lower_first(words[:start]), *words[end:]]

    def swap_pair(self, words: list[str], rng: random.Random) -> list[str] | None:
        """`x and y` -> `y and x` for single words."""
        for i in range(1, len(words) - 1):
            if words[i] == "and" and words[i - 1].isalpha() and words[i + 1].isalpha():
                both_short = i + 2 >= len(words) or not words[i + 2].isalpha()
                if both_short and words[i - 1].lower() not in _DETERMINERS and i > 1:
                    words[i - 1], words[i + 1] = words[i + 1], words[i - 1]
                    return words
        return None

    def drop_tail(self, words: list[str], rng: random.Random) -> list[str] | None:
        start = _tail_phrase(words)
        if not start:
            return None
        return [*words[:start], *([words[-1]] if words[-1] in ".?!" else [])]

    def drop_adjectives(self, words: list[str], rng: random.Random) -> list[str] | None:
        return [w for i, w in enumerate(words) if i == 0 or not self._loose_adjective(words, i)]

    def _loose_adjective(self, words: list[str], i: int) -> bool:
        followed = i + 1 < len(words) and words[i + 1].isalpha() and words[i + 1] not in _PLACE
        return words[i] in self.lexicon.adjectives and followed and words[i - 1].lower() not in _AUX

    def drop_adverbs(self, words: list[str], rng: random.Random) -> list[str] | None:
        return [w for i, w in enumerate(words) if i == 0 or w not in self.lexicon.adverbs]

    def drop_all(self, words: list[str], rng: random.Random) -> list[str] | None:
        return _chain(words, rng, self.drop_adverbs, self.drop_adjectives, self.drop_tail)

    def widen_and_drop(self, words: list[str], rng: random.Random) -> list[str] | None:
        return _chain(words, rng, self.drop_tail, self.widen)

    def rival_and_synonym(self, words: list[str], rng: random.Random) -> list[str] | None:
        changed = self.rival(words, rng)
        return (self.synonyms(list(changed), rng) or changed) if changed else None

    def rival_and_drop(self, words: list[str], rng: random.Random) -> list[str] | None:
        changed = self.two_rivals(words, rng)
        return (self.drop_tail(list(changed), rng) or changed) if changed else None

    def negate_and_drop(self, words: list[str], rng: random.Random) -> list[str] | None:
        changed = self.negate(words, rng)
        return (self.drop_adjectives(list(changed), rng) or changed) if changed else None

    def both_rewrites(self, words: list[str], rng: random.Random) -> list[str] | None:
        changed = self.front_place(words, rng) or self.there_is(words, rng)
        return (self.synonyms(list(changed), rng) or changed) if changed else None


def _chain(words: list[str], rng: random.Random, *edits: Edit) -> list[str]:
    for edit in edits:
        words = edit(list(words), rng) or words
    return words


def _lower_first(words: list[str]) -> list[str]:
    """Lower a sentence-initial function word that moves inside; names keep their capital."""
    first = words[0]
    small = _DETERMINERS | {
        "two",
        "three",
        "some",
        "several",
        "he",
        "she",
        "they",
        "it",
        "people",
        "there",
        "we",
        "you",
    }
    return [first.lower() if first.lower() in small else first, *words[1:]]


def _tail_phrase(words: list[str]) -> int:
    """Index of a closing `<preposition> <determiner> ... <noun> .` of three to five words; 0 where there is none."""
    end = len(words) - (1 if words and words[-1] in ".?!" else 0)
    for start in range(end - 3, max(3, end - 6), -1):
        phrase = words[start + 1 : end]
        if words[start] in _PLACE and phrase[0].lower() in _DETERMINERS and all(w.isalpha() for w in phrase):
            if not any(w in _PLACE or w == "and" for w in phrase):
                return start
    return 0
