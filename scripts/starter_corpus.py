"""Training examples for the starter LLM: (instruction, sentence, answer), from NLI pairs, plain text and rule-based edits.

Reads the research data where the caller says it lies; leaves out every sentence of an evaluation set. Knows no tokenizer.
"""

import csv
import gzip
import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from starter_edits import Edits, Lexicon, sentence_of, words_of
from starter_frames import Frames

HERE = Path(__file__).resolve().parent
POOLS = HERE.parent / "syncse_local" / "synthesis" / "pools"
HELD_OUT = 500
MAX_WORDS = 28


@dataclass(frozen=True)
class Example:
    """One chat: the instruction (system turn), the sentence (user turn, may be empty) and the answer."""

    instruction: str
    sentence: str
    answer: str


def key_of(sentence: str) -> str:
    """What makes two sentences the same for leaving out: letters and digits, lower case."""
    return "".join(re.findall(r"[a-z0-9]+", sentence.lower()))


def tidy(sentence: str) -> str:
    """Detokenise, capitalise and end with a full stop."""
    text = sentence_of(words_of(sentence.strip()))
    return text if text.endswith((".", "?", "!")) else text.rstrip(",;: ") + "."


def evaluation_keys(senteval: Path) -> set[str]:
    """Keys of every sentence in the STS, SICK trial/test and starter sets."""
    keys: set[str] = set()
    downstream = senteval / "downstream"
    for path in sorted(downstream.glob("STS/*/STS.input*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            keys.update(key_of(part) for part in line.split("\t"))
    for name in ("sts-dev.csv", "sts-test.csv"):
        for line in (downstream / "STS" / "STSBenchmark" / name).read_text(encoding="utf-8").splitlines():
            keys.update(key_of(part) for part in line.split("\t")[5:7])
    for path in sorted((downstream / "SICK").glob("SICK_*.txt")):
        if "train" not in path.name:
            for line in path.read_text(encoding="utf-8").splitlines():
                keys.update(key_of(part) for part in line.split("\t")[1:3])
    for path in sorted((HERE.parent / "models" / "starter-sts").glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            keys.update(key_of(part) for part in line.split("\t")[2:4])
    return keys


class Corpus:
    """The sentences and pairs, and an endless, seeded stream of examples made from them."""

    def __init__(self, data: Path, repair_share: float = 0.05) -> None:
        self.repair_share = repair_share
        self.left_out = evaluation_keys(data / "senteval")
        triplets = self._rows(data / "nli" / "nli_triplets_all.csv", ",")
        random.Random(2).shuffle(triplets)
        self.held_out = [row["sent0"] for row in triplets if 5 <= len(row["sent0"].split()) <= 20][:HELD_OUT]
        hidden = {key_of(s) for s in self.held_out}
        self.left_out |= hidden
        self.pairs: list[tuple[str, str, str]] = []
        for row in triplets:
            self._pair(row["sent0"], row["sent1"], "positive")
            self._pair(row["sent0"], row["hard_neg"], "negative")
        for row in self._rows(data / "nli" / "snli_train_random18k_pairs.tsv", "\t"):
            if row["label"] != "neutral":
                self._pair(
                    row["premise"], row["hypothesis"], "positive" if row["label"] == "entailment" else "negative"
                )
        captions = [r["premise"] for r in self._rows(data / "nli" / "snli_train_random18k_pairs.tsv", "\t")]
        wiki = (data / "unlabelled" / "wiki1m_for_simcse_head.txt").read_text(encoding="utf-8").splitlines()
        simple = _gunzip(data / "unlabelled" / "wikisplit_simple.txt.gz")
        complex_ = _gunzip(data / "unlabelled" / "wikisplit_complex.txt.gz")
        for i, sentence in enumerate(complex_):
            self._pair(sentence, simple[2 * i], "split")
        own = (HERE.parent / "models" / "starter-sentences" / "sentences.txt").read_text(encoding="utf-8").splitlines()
        self.own = self._clean(own)
        self.own_keys = {key_of(sentence) for sentence in own}
        self.frames = Frames()
        self.captions = self._clean(captions)
        self.wiki = self._clean([s for s in wiki + simple if s.rstrip().endswith(".")])
        self.nli = self._clean([row[k] for row in triplets for k in ("sent0", "sent1", "hard_neg")])
        self.exemplars = _exemplars()
        self.lexicon = Lexicon.load(HERE / "starter_lexicon.toml")
        self.edits = Edits(self.lexicon)
        self.instructions = _instructions()

    @staticmethod
    def _rows(path: Path, delimiter: str) -> list[dict[str, str]]:
        with path.open(encoding="utf-8", newline="") as handle:
            if delimiter == "\t":
                return list(csv.DictReader(handle, delimiter=delimiter, quoting=csv.QUOTE_NONE))
            return list(csv.DictReader(handle))

    def _allowed(self, sentence: str) -> bool:
        words = len(sentence.split())
        return 3 <= words <= MAX_WORDS and key_of(sentence) not in self.left_out

    def _clean(self, sentences: list[str]) -> list[str]:
        return list(dict.fromkeys(tidy(s) for s in sentences if self._allowed(s)))

    def _pair(self, sentence: str, answer: str, kind: str) -> None:
        if self._allowed(sentence) and self._allowed(answer) and key_of(sentence) != key_of(answer):
            self.pairs.append((sentence, tidy(answer), kind))

    def stream(self, seed: str) -> Iterator[Example]:
        """Endless examples; the same seed gives the same stream."""
        rng = random.Random(seed)
        makers = [
            (0.42, self._human),
            (0.16, self._edited),
            (0.25, self._framed),
            (self.repair_share, self._repaired),
            (0.03, self._exemplar),
            (0.09, self._scratch),
        ]
        weights = [w for w, _ in makers]
        while True:
            maker = rng.choices(makers, weights)[0][1]
            example = maker(rng)
            if example and key_of(example.answer) not in self.left_out:
                yield example

    def framed(self, count: int) -> list[str]:
        """About `count` sentences from the starter frames and their variants, evaluation sentences left out."""
        rng = random.Random(3)
        drawn = (sentence for _ in range(count // 2) for sentence in self.frames.draw(rng)[:2])
        return self._clean(list(dict.fromkeys(drawn)))

    def _any_sentence(self, rng: random.Random) -> str:
        return rng.choice(rng.choices([self.nli, self.captions, self.wiki, self.own], [4, 3, 2, 2])[0])

    def _human(self, rng: random.Random) -> Example:
        sentence, answer, kind = rng.choice(self.pairs)
        prompt = rng.choice(prompts_for(sentence, answer, kind))
        return Example(self.instructions[prompt], tidy(sentence) if rng.random() < 0.8 else sentence, answer)

    def _edited(self, rng: random.Random) -> Example | None:
        prompt = rng.choice(["paraphrase", "rewrite", "rewrite", *self.edits.by_prompt])
        sentence = self._any_sentence(rng)
        answer = self.edits.apply(prompt, sentence, rng)
        return Example(self.instructions[prompt], sentence, tidy(answer)) if answer else None

    def _framed(self, rng: random.Random) -> Example | None:
        """A fresh filling of a starter frame; the sentences that ship are left out."""
        sentence, answer, kind = self.frames.draw(rng)
        if key_of(sentence) in self.own_keys or key_of(sentence) == key_of(answer):
            return None
        return Example(self.instructions[rng.choice(prompts_for(sentence, answer, kind))], sentence, answer)

    def _repaired(self, rng: random.Random) -> Example:
        sentence = self._any_sentence(rng)
        words = sentence.split()
        kind = rng.random()
        if kind < 0.4 and len(words) <= 12:
            rng.shuffle(words)
            return Example("Put the words in order.", " ".join(words), sentence)
        kept = [w for w in words if rng.random() > 0.15] or words
        for i in range(len(kept) - 1):
            if rng.random() < 0.1:
                kept[i], kept[i + 1] = kept[i + 1], kept[i]
        return Example("Repair the sentence.", " ".join(kept), sentence)

    def _exemplar(self, rng: random.Random) -> Example:
        prompt, sentence, answer = rng.choice(self.exemplars)
        return Example(self.instructions[prompt], sentence, answer)

    def _scratch(self, rng: random.Random) -> Example:
        source, genres = rng.choice(
            [
                (self.captions, ["image caption", "image caption", "video caption"]),
                (self.wiki, ["history textbook", "news report", "science article", "sports commentary", "travel blog"]),
                (
                    self.nli,
                    [
                        "dialogue",
                        "opinion column",
                        "diary entry",
                        "short story",
                        "personal letter",
                        "forum question",
                        "movie review",
                    ],
                ),
                (
                    self.own,
                    ["how-to guide", "recipe", "dialogue", "weather forecast", "business email", "product review"],
                ),
            ]
        )
        sentence = rng.choice(source)
        found = [t for w in words_of(sentence.lower()) for t in self.lexicon.topics.get(w, [])]
        topics = list(dict.fromkeys(found))[: rng.randint(1, 3)]
        if not topics or rng.random() < 0.25:
            content = [w for w in words_of(sentence) if len(w) > 4 and w.isalpha() and w.islower()]
            topics += rng.sample(content, min(len(content), rng.randint(1, 2)))
        prompt = rng.choice(["write", "vary-length", "everyday", "specific"])
        text = self.instructions[prompt].replace("{genre}", rng.choice(genres))
        return Example(text.replace("{topics}", ", ".join(topics) or "anything"), "", sentence)


def prompts_for(sentence: str, answer: str, kind: str) -> list[str]:
    """Which pool prompts a human pair is an example of, by length and word overlap."""
    source, target = set(words_of(sentence.lower())), words_of(answer.lower())
    overlap = sum(w in source for w in target) / len(target)
    ratio = len(target) / max(1, len(words_of(sentence)))
    if kind == "negative":
        if overlap > 0.6:
            return ["oppose"] if {"not", "no", "nobody", "never"} & set(target) else ["swap-details", "oppose"]
        return ["transform"] if overlap > 0.4 else ["contrast"]
    if kind == "split":
        return ["concise", "entail"]
    if ratio > 0.7:
        return ["paraphrase", "rewrite"] if overlap < 0.75 else ["paraphrase", "entail"]
    return ["entail", "concise"] if overlap > 0.6 else ["entail"]


def _gunzip(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        return handle.read().splitlines()


def _pool(name: str) -> list[dict[str, object]]:
    prompts: list[dict[str, object]] = tomllib.loads((POOLS / name).read_text(encoding="utf-8"))["prompt"]
    return prompts


def _instructions() -> dict[str, str]:
    names = ("starter-positive.toml", "starter-negative.toml", "starter-sentence.toml")
    return {str(p["id"]): str(p["text"]).strip() for name in names for p in _pool(name)}


def _exemplars() -> list[tuple[str, str, str]]:
    found = []
    for name in ("positive.toml", "negative.toml"):
        for prompt in _pool(name):
            for pair in prompt["exemplar"]:  # type: ignore[attr-defined]
                found.append((str(prompt["id"]), pair["sentence"], pair["answer"]))
    return found
