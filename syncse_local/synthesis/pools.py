"""Prompt pools: instructions, their exemplars, genres and topics, read from TOML. Knows nothing of plans or engines."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from syncse_local.text.toml import TomlTable, content_hash, locate, read_toml, refuse

POOLS = Path(__file__).resolve().parent / "pools"
Role = Literal["positive", "negative", "sentence"]
ROLES: tuple[Role, ...] = ("positive", "negative", "sentence")
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One demonstration of a prompt: a sentence and its answer. The id is the prompt's with a number.

    Draws take exemplars in proportion to `weight`.
    """

    id: str
    sentence: str
    answer: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class SentenceSet:
    """One demonstration of a sentence prompt: a genre, its topics, and a sentence for each topic; drawn by `weight`."""

    id: str
    genre: str
    topics: tuple[str, ...]
    sentences: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """One instruction with the exemplars that demonstrate it. Rows take prompts in proportion to `weight`."""

    id: str
    text: str
    exemplars: tuple[Exemplar, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Pool:
    """The prompts of one role; `sets` are the demonstrations that all prompts of a sentence pool share."""

    name: str
    role: Role
    prompts: tuple[Prompt, ...]
    sets: tuple[SentenceSet, ...] = ()
    hash: str = field(default="", compare=False)

    def prompt(self, prompt_id: str) -> Prompt:
        """The prompt of that id. Raises KeyError."""
        for prompt in self.prompts:
            if prompt.id == prompt_id:
                return prompt
        raise KeyError(prompt_id)


def load_pool(name: str, role: Role) -> Pool:
    """The pool of a shipped name or of a user's path. Raises SyncseError for anything that is not such a pool."""
    path = locate(name, POOLS, "pool")
    keys = ["version", "role", "prompt"] + (["exemplar"] if role == "sentence" else [])
    raw = read_toml(path, "pool")
    found = raw.get("role")
    if found != role:
        hint = f'A {role} pool has the line role = "{role}".'
        refuse("Wrong pool", f"{path.name} has the role {found!r}, and a {role} pool is needed.", hint)
    table = TomlTable(raw, path.name, keys)
    table.version()
    prompts = tuple(_prompt(item, path.name, i, role) for i, item in enumerate(table.tables("prompt"), 1))
    if not prompts:
        table.fail("prompt", "is missing: a pool needs at least one [[prompt]]")
    ids = [p.id for p in prompts]
    if len(set(ids)) < len(ids):
        table.fail("prompt", f'has the id "{next(i for i in ids if ids.count(i) > 1)}" twice')
    sets = tuple(_set(item, path.name, i) for i, item in enumerate(table.tables("exemplar"), 1))
    return Pool(name, role, prompts, sets, _pool_hash(role, prompts, sets))


def _prompt(data: object, where: str, number: int, role: Role) -> Prompt:
    keys = ["id", "text", "weight"] + (["exemplar"] if role != "sentence" else [])
    table = TomlTable(data, f"{where}, prompt {number}", keys)
    prompt_id = table.text("id")
    if not _ID.fullmatch(prompt_id):
        table.fail("id", "must be lower-case letters, digits, dots, hyphens and underscores")
    text = table.text("text")
    if role == "sentence" and "{genre}" not in text and "{topics}" not in text:
        table.fail("text", "must name {genre} or {topics}, or every call asks for the same")
    exemplars = []
    for i, item in enumerate(table.tables("exemplar"), 1):
        pair = TomlTable(item, f'{where}, prompt "{prompt_id}", exemplar {i}', ["sentence", "answer", "weight"])
        exemplars.append(Exemplar(f"{prompt_id}-{i}", pair.text("sentence"), pair.text("answer"), _weight(pair)))
    return Prompt(prompt_id, text, tuple(exemplars), _weight(table))


def _weight(table: TomlTable) -> float:
    return table.number("weight", 1.0, 1e-6, 1e6)


def _set(data: object, where: str, number: int) -> SentenceSet:
    table = TomlTable(data, f"{where}, exemplar {number}", ["genre", "topics", "sentences", "weight"])
    topics, sentences = table.texts("topics"), table.texts("sentences")
    if len(topics) != len(sentences):
        table.fail("sentences", f"has {len(sentences)} entries for {len(topics)} topics")
    return SentenceSet(f"set-{number}", table.text("genre"), topics, sentences, _weight(table))


def _pool_hash(role: Role, prompts: tuple[Prompt, ...], sets: tuple[SentenceSet, ...]) -> str:
    listed = [[p.id, p.text, p.weight, [[e.sentence, e.answer, *_uneven(e)] for e in p.exemplars]] for p in prompts]
    return content_hash([role, listed, [[s.genre, s.topics, s.sentences, *_uneven(s)] for s in sets]])


def _uneven(item: Exemplar | SentenceSet) -> list[float]:
    """The weight where it is not 1, so that pools without weights keep their hash."""
    return [] if item.weight == 1 else [item.weight]


def load_list(name: str, kind: Literal["genres", "topics"]) -> tuple[str, ...]:
    """The genres or topics of a shipped name or of a user's path. Raises SyncseError."""
    path = locate(name, POOLS, f"list of {kind}")
    table = TomlTable(read_toml(path, f"list of {kind}"), path.name, ["version", kind])
    table.version()
    return table.texts(kind)
