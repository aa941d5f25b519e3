"""The request plan: which prompt, exemplars, seed and key each row has, fixed before the first token.

A row's plan is a function of the recipe, its sentence, its role and its sample number alone: neither the order of the
input nor the other rows change it. Knows no engine beyond its identity, and no database.
"""

import hashlib
import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from json.encoder import encode_basestring_ascii as as_json
from typing import Any, NamedTuple

from syncse_local.records import Message, Row
from syncse_local.synthesis.pools import ROLES, Exemplar, Pool, Prompt, Role, SentenceSet
from syncse_local.synthesis.recipe import Pools, Recipe
from syncse_local.synthesis.shards import WHOLE, PlanSlice
from syncse_local.text.clean import normalise
from syncse_local.text.toml import canonical

_FIELD = re.compile(r"\{(?:genre|topics|count)\}")
PAIR_ROLES: tuple[Role, ...] = ("positive", "negative")


ASKED = ("template", "thinking", "thinking_tokens")
"""Engine options that change what a model is asked. An older one, `chat_profile`, does too and is in no key: runs of 0.1.0
must go on with theirs."""


def asked_by(options: Mapping[str, Any]) -> dict[str, str]:
    """What engine options change in a model's prompts and in its room to think; empty for the defaults."""
    found = {name: str(options[name]) for name in ASKED if options.get(name) not in (None, "", "off", (), [])}
    return found if "thinking" in found else {name: value for name, value in found.items() if name == "template"}


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    """What generates: the SHA-256 of the model file, the backend's name and its version."""

    model_sha256: str
    backend: str
    version: str

    def with_options(self, options: Mapping[str, Any]) -> "EngineIdentity":
        """It as a request's key knows it: with other prompts the same engine gives other answers."""
        asked = asked_by(options)
        return replace(self, version=f"{self.version} {canonical(asked)}") if asked else self


class PlannedRow(NamedTuple):
    """One request of the plan. `ordinal` is its place in this plan and no part of its key.

    `turn`, `genre` and `topics` are those of a sentence request; a pair's turn is its sentence, which is not kept here.
    """

    key: str
    ordinal: int
    sentence_key: str
    role: Role
    sample: int
    prompt_id: str
    context_id: str
    seed: int
    turn: str = ""
    genre: str = ""
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawn:
    """One context as drawn: the prompt, its exemplars, and for a sentence context its exemplar set and subject."""

    id: str
    prompt: Prompt
    exemplars: tuple[Exemplar, ...] = ()
    set: SentenceSet | None = None
    genre: str = ""
    topics: tuple[str, ...] = ()


def _draw(*parts: object) -> int:
    """128 bits that depend on the parts alone."""
    text = "\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")


def _pick(number: int, items: Sequence[str], count: int) -> tuple[str, ...]:
    return tuple(items[i] for i in arrangement(number, len(items), count))


def arrangement(number: int, size: int, count: int) -> list[int]:
    """The `number`-th (modulo their number) ordered choice of `count` out of `size` indices.

    Written out because `random.sample` is not promised to draw the same in every version of Python.
    """
    left, chosen = list(range(size)), []
    for _ in range(count):
        number, i = divmod(number, len(left))
        chosen.append(left.pop(i))
    return chosen


def weighted(weights: Sequence[float], count: int, *name: object) -> list[int]:
    """An ordered choice of `count` indices without repetition, each next one by weight among those that are left."""
    left, chosen = list(range(len(weights))), list[int]()
    for step in range(count):
        bounds = list(accumulate(weights[i] for i in left))
        place = _draw(*name, step) / 2**128 * bounds[-1]
        chosen.append(left.pop(min(bisect_right(bounds, place), len(left) - 1)))
    return chosen


def _choice(recipe: Recipe, items: Sequence[Exemplar | SentenceSet], count: int, number: int, name: str) -> list[int]:
    """The demonstrations of one context: the `number`-th arrangement, or a draw by weight where weights differ."""
    weights = [item.weight for item in items]
    if len(set(weights)) < 2:
        return arrangement(number, len(items), count)
    return weighted(weights, count, "weighted", recipe.seed, name)


def contexts_per_prompt(recipe: Recipe, pools: Pools, role: Role) -> dict[str, int]:
    """How many contexts each prompt of a role has: an equal share, or fewer where fewer draws exist."""
    pool = pools.of(role)
    total = recipe.sentence_contexts if role == "sentence" else recipe.contexts
    share = math.ceil(total / len(pool.prompts))
    return {prompt.id: min(share, _draws(recipe, pool, prompt)) for prompt in pool.prompts}


def _draws(recipe: Recipe, pool: Pool, prompt: Prompt) -> int:
    if pool.role != "sentence":
        return math.perm(len(prompt.exemplars), recipe.shots)
    if recipe.sentence_turn == "system":
        return 2**63  # the subject is part of the context, so there is no small number of them
    return math.perm(len(pool.sets), recipe.sentence_shots)


def context_ids(recipe: Recipe, pools: Pools, role: Role) -> list[str]:
    """All contexts of a role, as `role/prompt/number`."""
    counts = contexts_per_prompt(recipe, pools, role)
    return [f"{role}/{prompt}/{i}" for prompt, count in counts.items() for i in range(count)]


def draw_context(recipe: Recipe, pools: Pools, context_id: str) -> Drawn:
    """The context of an id. Raises KeyError for an id that is none of the plan's."""
    name, prompt_id, index = context_id.split("/")
    role = next((known for known in ROLES if known == name), None)
    if role is None:
        raise KeyError(context_id)
    pool = pools.of(role)
    prompt, number = pool.prompt(prompt_id), int(index)
    possible = _draws(recipe, pool, prompt)
    if possible > contexts_per_prompt(recipe, pools, role)[prompt_id]:
        number = _draw("context", recipe.seed, context_id)
    if pool.role != "sentence":
        places = _choice(recipe, prompt.exemplars, recipe.shots, number, context_id)
        return Drawn(context_id, prompt, tuple(prompt.exemplars[i] for i in places))
    sets = _choice(recipe, pool.sets, recipe.sentence_shots, number, context_id)
    chosen = pool.sets[sets[0]] if sets else None
    genre, topics = _subject(recipe, pools, context_id) if recipe.sentence_turn == "system" else ("", ())
    return Drawn(context_id, prompt, (), chosen, genre, topics)


def _subject(recipe: Recipe, pools: Pools, name: str) -> tuple[str, tuple[str, ...]]:
    """A genre and topics drawn for one call or one context."""
    genre = pools.genres[_draw("genre", recipe.seed, name) % len(pools.genres)]
    return genre, _pick(_draw("topics", recipe.seed, name), pools.topics, recipe.topics_per_call)


def fill(text: str, genre: str, topics: Sequence[str], count: int) -> str:
    """The prompt with {genre}, {topics} and {count} replaced; other braces stay as they are."""
    values = {"{genre}": genre, "{topics}": ", ".join(topics), "{count}": str(count)}
    return _FIELD.sub(lambda match: values[match.group(0)], text)


def context_of(recipe: Recipe, pools: Pools, context_id: str) -> tuple[Message, ...]:
    """The messages that all rows of a context begin with."""
    drawn = draw_context(recipe, pools, context_id)
    if not context_id.startswith("sentence/"):
        shots = ((Message("user", e.sentence), Message("assistant", e.answer)) for e in drawn.exemplars)
        return (Message("system", drawn.prompt.text), *(message for shot in shots for message in shot))
    messages: list[Message] = []
    if drawn.set:
        request = fill(drawn.prompt.text, drawn.set.genre, drawn.set.topics, len(drawn.set.topics))
        messages += [Message("user", request), Message("assistant", "\n".join(drawn.set.sentences))]
    if recipe.sentence_turn == "system":
        request = fill(drawn.prompt.text, drawn.genre, drawn.topics, recipe.sentences_per_call)
        messages.append(Message("system", request))
    return tuple(messages)


def row_of(recipe: Recipe, planned: PlannedRow, sentence: str = "") -> Row:
    """The request of a planned row; `sentence` is the row's sentence, and is not used for sentence requests."""
    turn = planned.turn if planned.role == "sentence" else normalise(sentence)
    return Row(planned.key, turn, planned.seed, recipe.sampling(planned.role))


class _Role:
    """What the rows of one role share: the contexts, by weight, and the hashed beginning of their keys."""

    def __init__(self, recipe: Recipe, pools: Pools, role: Role, engine: EngineIdentity) -> None:
        counts = contexts_per_prompt(recipe, pools, role)
        weights = {prompt.id: prompt.weight for prompt in pools.of(role).prompts}
        total = sum(weights.values())
        self.ids, self.prompts, self.heads, self.bounds = [], [], [], []
        reached = 0.0
        for context_id in context_ids(recipe, pools, role):
            drawn = draw_context(recipe, pools, context_id)
            reached += weights[drawn.prompt.id] / counts[drawn.prompt.id] / total
            self.bounds.append(reached)
            self.ids.append(context_id)
            self.prompts.append(drawn.prompt.id)
            head = '{"context":' + canonical(_described(recipe, drawn, role, engine))
            self.heads.append(hashlib.sha256(head.encode("ascii")))

    def choose(self, fraction: float) -> int:
        """The context at a fraction from 0 to 1 of the cumulated weights."""
        return min(bisect_right(self.bounds, fraction), len(self.bounds) - 1)


def _described(recipe: Recipe, drawn: Drawn, role: Role, engine: EngineIdentity) -> dict[str, object]:
    """The part of a request's key that its context decides."""
    shown = [[e.id, e.sentence, e.answer] for e in drawn.exemplars]
    if drawn.set:
        shown.append([drawn.set.id, drawn.set.genre, list(drawn.set.topics), list(drawn.set.sentences)])  # type: ignore[list-item]
    return {
        "backend": engine.backend,
        "exemplars": [item[0] for item in shown],
        "exemplars_sha256": hashlib.sha256(canonical(shown).encode("ascii")).hexdigest(),
        "model": engine.model_sha256,
        "prompt": drawn.prompt.id,
        "prompt_text": drawn.prompt.text,
        "role": role,
        "sampling": recipe.sampling(role).to_dict(),
        "version": engine.version,
    }


def _bits(seed: int, sentence_key: str, role: str, sample: int) -> tuple[float, int]:
    """A row's place among the contexts, from 0 to 1, and its 31-bit sampling seed."""
    name = f"{seed}\x1f{sentence_key}\x1f{role}\x1f{sample}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(name, digest_size=12).digest()
    place = int.from_bytes(digest[:8], "big") >> 11
    return place / 2**53, int.from_bytes(digest[8:], "big") & 0x7FFFFFFF


def plan_pairs(
    recipe: Recipe,
    pools: Pools,
    sentences: Iterable[tuple[str, str]],
    engine: EngineIdentity,
    plan_slice: PlanSlice = WHOLE,
) -> Iterator[PlannedRow]:
    """Two rows, positive and negative, for each sentence and sample; `sentences` are (sentence key, text).

    Keys repeat where a sentence does. A slice has whole triplets, under the ordinals of the whole plan. Constant memory.
    """
    roles = [(role, _Role(recipe, pools, role, engine)) for role in PAIR_ROLES]
    ordinal = 0
    for sentence_key, text in sentences:
        tail = f',"sentence":{as_json(normalise(text))}}}'
        for sample in range(recipe.samples):
            first = _bits(recipe.seed, sentence_key, "positive", sample)
            if not plan_slice.takes(recipe.seed, sentence_key, sample, first[0]):
                ordinal += len(roles)
                continue
            for role, table in roles:
                place, seed = first if role == "positive" else _bits(recipe.seed, sentence_key, role, sample)
                i = table.choose(place)
                key = table.heads[i].copy()
                key.update(f',"sample":{sample},"seed":{seed}{tail}'.encode("ascii"))
                yield PlannedRow(
                    key.hexdigest(), ordinal, sentence_key, role, sample, table.prompts[i], table.ids[i], seed
                )
                ordinal += 1


def calls_for(recipe: Recipe, sentences: int) -> int:
    """How many sentence requests ask for that many sentences, before any is dropped."""
    return math.ceil(sentences / recipe.sentences_per_call)


def sentences_of(recipe: Recipe, count: int, plan_slice: PlanSlice) -> int:
    """How many of `count` sentences the calls of a slice ask for; all slices together: `count`."""
    if plan_slice.whole:
        return count
    size = recipe.sentences_per_call
    named = ((call, f"call-{call}") for call in range(calls_for(recipe, count)))
    placed = ((call, name, _bits(recipe.seed, name, "sentence", 0)[0]) for call, name in named)
    mine = (call for call, name, place in placed if plan_slice.takes(recipe.seed, name, 0, place))
    return sum(min(size, count - call * size) for call in mine)


def plan_sentences(
    recipe: Recipe, pools: Pools, count: int, engine: EngineIdentity, start: int = 0, plan_slice: PlanSlice = WHOLE
) -> Iterator[PlannedRow]:
    """Sentence requests number `start` to `start + count`, those of a slice; a longer plan begins with the shorter one."""
    table = _Role(recipe, pools, "sentence", engine)
    pool = pools.of("sentence")
    for call in range(start, start + count):
        name = f"call-{call}"
        place, seed = _bits(recipe.seed, name, "sentence", 0)
        if not plan_slice.takes(recipe.seed, name, 0, place):
            continue
        i = table.choose(place)
        if recipe.sentence_turn == "system":
            drawn, turn = draw_context(recipe, pools, table.ids[i]), ""
            genre, topics = drawn.genre, drawn.topics
        else:
            genre, topics = _subject(recipe, pools, name)
            turn = fill(pool.prompt(table.prompts[i]).text, genre, topics, recipe.sentences_per_call)
        key = table.heads[i].copy()
        asked = canonical([genre, list(topics), recipe.sentences_per_call])
        key.update(f',"sample":0,"seed":{seed},"sentence":"","subject":{asked}}}'.encode("ascii"))
        row = PlannedRow(key.hexdigest(), call, name, "sentence", 0, table.prompts[i], table.ids[i], seed)
        yield row._replace(turn=turn, genre=genre, topics=topics)
