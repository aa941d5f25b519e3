"""The plan: what is drawn for a row, and what its key depends on."""

import dataclasses
import hashlib
import json
from collections import Counter

import pytest

from syncse_local.errors import SyncseError
from syncse_local.synthesis.plan import (
    EngineIdentity,
    PlannedRow,
    arrangement,
    calls_for,
    context_ids,
    context_of,
    contexts_per_prompt,
    draw_context,
    fill,
    plan_pairs,
    plan_sentences,
    row_of,
)
from syncse_local.synthesis.recipe import Pools, Recipe, load_pools, load_recipe
from syncse_local.text.clean import sentence_key

ENGINE = EngineIdentity("ab" * 32, "llamacpp", "0.3.36")
TEXTS = [f"Sentence number {i} is about a small {i} dog." for i in range(400)]


def setup(name: str, **changes: object) -> tuple[Recipe, Pools]:
    recipe = load_recipe(name).with_changes(**changes)
    return recipe, load_pools(recipe)


def plan(recipe: Recipe, pools: Pools, texts: list[str], engine: EngineIdentity = ENGINE) -> list[PlannedRow]:
    return list(plan_pairs(recipe, pools, ((sentence_key(t), t) for t in texts), engine))


def test_two_rows_for_each_sentence_and_sample() -> None:
    recipe, pools = setup("syncse-partial", samples=3)
    rows = plan(recipe, pools, TEXTS[:2])
    shape = [(r.sentence_key, r.sample, r.role) for r in rows]
    assert shape == [
        (sentence_key(t), i, role) for t in TEXTS[:2] for i in range(3) for role in ("positive", "negative")
    ]
    assert [r.ordinal for r in rows] == list(range(12))
    assert len({r.key for r in rows}) == len({r.seed for r in rows}) == 12
    assert all(0 <= r.seed < 2**31 for r in rows)


def test_options_that_change_the_prompt_change_each_key_and_others_none() -> None:
    recipe, pools = setup("syncse-partial")

    def keys(**options: object) -> set[str]:
        return {row.key for row in plan(recipe, pools, TEXTS[:3], ENGINE.with_options(options))}

    plain = keys()
    assert plain == keys(n_ctx=512, thinking="off") == keys(thinking="", thinking_tokens=64, template=())
    others = [keys(thinking="on"), keys(thinking="on", thinking_tokens=64), keys(thinking="auto"), keys(template="a=b")]
    assert len(plain.union(*others)) == len(plain) * 5


def test_contexts_are_fixed_by_the_recipe() -> None:
    recipe, pools = setup("syncse-partial")
    ids = context_ids(recipe, pools, "positive")
    assert len(ids) == 200
    assert set(contexts_per_prompt(recipe, pools, "positive").values()) == {50}
    draws = {tuple(e.id for e in draw_context(recipe, pools, i).exemplars) for i in ids}
    assert len(draws) == 200
    used = Counter(r.context_id for r in plan(recipe, pools, TEXTS * 5) if r.role == "positive")
    assert set(used) <= set(ids)
    assert len(used) > 150


def test_without_exemplars_there_is_one_context_for_each_prompt() -> None:
    recipe, pools = setup("starter")
    assert len(context_ids(recipe, pools, "negative")) == 4
    used = Counter(r.prompt_id for r in plan(recipe, pools, TEXTS) if r.role == "negative")
    assert len(used) == 4
    assert min(used.values()) > 60


def test_prompts_are_taken_by_weight() -> None:
    recipe, pools = setup("starter")
    heavy = dataclasses.replace(pools.positive.prompts[0], weight=7.0)
    pools = dataclasses.replace(
        pools, positive=dataclasses.replace(pools.positive, prompts=(heavy, *pools.positive.prompts[1:]))
    )
    used = Counter(r.prompt_id for r in plan(recipe, pools, TEXTS) if r.role == "positive")
    assert 240 < used[heavy.id] < 320  # 7 of 10 parts of 400


def test_exemplars_are_drawn_by_weight() -> None:
    recipe, pools = setup("syncse-partial")
    ids = [i for i in context_ids(recipe, pools, "positive") if "/entail/" in i]
    heavy = pools.positive.prompt("entail").exemplars[7]

    def drawn(weight: float) -> list[tuple[str, ...]]:
        prompts = tuple(
            dataclasses.replace(
                p,
                exemplars=tuple(
                    dataclasses.replace(e, weight=weight if e.id == heavy.id else 1.0) for e in p.exemplars
                ),
            )
            for p in pools.positive.prompts
        )
        changed = dataclasses.replace(pools, positive=dataclasses.replace(pools.positive, prompts=prompts))
        return [tuple(e.id for e in draw_context(recipe, changed, i).exemplars) for i in ids]

    assert drawn(1.0) == [tuple(e.id for e in draw_context(recipe, pools, i).exemplars) for i in ids]
    assert sum(heavy.id in shown for shown in drawn(1.0)) < 25 < 45 < sum(heavy.id in shown for shown in drawn(100.0))
    assert all(len(set(shown)) == 5 for shown in drawn(100.0))


def test_exemplar_sets_are_drawn_by_weight() -> None:
    recipe, pools = setup("syncse-scratch")
    assert pools.sentence
    sets = tuple(dataclasses.replace(s, weight=30.0 if i == 4 else 1.0) for i, s in enumerate(pools.sentence.sets))
    pools = dataclasses.replace(pools, sentence=dataclasses.replace(pools.sentence, sets=sets))
    drawn = [draw_context(recipe, pools, i).set for i in context_ids(recipe, pools, "sentence")]
    assert 30 < sum(found == sets[4] for found in drawn) < 60  # 30 of 47 parts of 72


def test_the_prefix_is_the_papers_chat() -> None:
    recipe, pools = setup("syncse-partial")
    row = plan(recipe, pools, TEXTS[:1])[0]
    prefix = context_of(recipe, pools, row.context_id)
    assert [m.role for m in prefix] == ["system", *["user", "assistant"] * 5]
    prompt = pools.positive.prompt(row.prompt_id)
    assert prefix[0].content == prompt.text
    pairs = {(e.sentence, e.answer) for e in prompt.exemplars}
    shown = [(prefix[i].content, prefix[i + 1].content) for i in range(1, 11, 2)]
    assert len(set(shown)) == 5
    assert set(shown) <= pairs
    request = row_of(recipe, row, f"  {TEXTS[0]}\n")
    assert (request.key, request.turn, request.seed, request.sampling) == (row.key, TEXTS[0], row.seed, recipe.positive)


def test_the_key_is_the_hash_of_the_canonical_json() -> None:
    recipe, pools = setup("syncse-partial")
    row = plan(recipe, pools, ['A "quoted" caf\u00e9.'])[1]
    drawn = draw_context(recipe, pools, row.context_id)
    shown = json.dumps([[e.id, e.sentence, e.answer] for e in drawn.exemplars], separators=(",", ":"))
    data = {
        "context": {
            "backend": "llamacpp",
            "exemplars": [e.id for e in drawn.exemplars],
            "exemplars_sha256": hashlib.sha256(shown.encode()).hexdigest(),
            "model": "ab" * 32,
            "prompt": row.prompt_id,
            "prompt_text": drawn.prompt.text,
            "role": "negative",
            "sampling": {k: v for k, v in dataclasses.asdict(recipe.negative).items() if k != "grammar"},
            "version": "0.3.36",
        },
        "sample": 0,
        "seed": row.seed,
        "sentence": 'A "quoted" caf\u00e9.',
    }
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    assert row.key == hashlib.sha256(text.encode()).hexdigest()


def test_the_key_follows_everything_that_decides_the_answer() -> None:
    recipe, pools = setup("starter")
    before = plan(recipe, pools, TEXTS[:1])[0]
    texts = dataclasses.replace(
        pools.positive, prompts=tuple(dataclasses.replace(p, text=p.text + "!") for p in pools.positive.prompts)
    )
    others = [
        plan(recipe, pools, TEXTS[:1], dataclasses.replace(ENGINE, model_sha256="cd" * 32))[0],
        plan(recipe, pools, TEXTS[:1], dataclasses.replace(ENGINE, backend="vllm"))[0],
        plan(recipe, pools, TEXTS[:1], dataclasses.replace(ENGINE, version="1"))[0],
        plan(recipe.with_changes(temperature=0.9), pools, TEXTS[:1])[0],
        plan(recipe.with_changes(max_tokens=9), pools, TEXTS[:1])[0],
        plan(recipe, dataclasses.replace(pools, positive=texts), TEXTS[:1])[0],
        plan(recipe.with_changes(seed=2), pools, TEXTS[:1])[0],
        plan(recipe, pools, TEXTS[1:2])[0],
    ]
    assert len({before.key, *(row.key for row in others)}) == 9
    assert plan(recipe.with_changes(samples=2, description="other"), pools, TEXTS[:1])[0] == before


def test_the_plan_is_the_same_on_every_machine() -> None:
    recipe, pools = setup("syncse-partial")
    row = plan(recipe, pools, ["The cat sat on the mat."])[0]
    assert (row.context_id, row.seed) == ("positive/entail/2", 1671219036)


def test_spacing_and_composition_make_no_other_sentence() -> None:
    recipe, pools = setup("starter")
    (a, *_), (b, *_) = plan(recipe, pools, ["caf\u00e9  au lait"]), plan(recipe, pools, [" cafe\u0301 au\tlait\n"])
    assert a == b


def test_arrangements_are_all_different_and_complete() -> None:
    assert len({tuple(arrangement(n, 4, 2)) for n in range(12)}) == 12
    assert arrangement(12, 4, 2) == arrangement(0, 4, 2)
    assert arrangement(5, 3, 0) == []


def test_prompts_are_filled_by_plain_replacement() -> None:
    assert (
        fill("{count} of {genre} on {topics} {0} {x!r} %s", "a {topics}", ["b"], 3)
        == "3 of a {topics} on b {0} {x!r} %s"
    )


def test_scratch_calls_share_an_exemplar_set_and_ask_for_their_subject() -> None:
    recipe, pools = setup("syncse-scratch")
    assert calls_for(recipe, 41) == 3
    assert len(context_ids(recipe, pools, "sentence")) == 72  # 4 prompts x 18 sets: no more exist
    rows = list(plan_sentences(recipe, pools, 100, ENGINE))
    assert len({r.key for r in rows}) == 100
    assert {len(set(r.topics)) for r in rows} == {6}
    assert len({r.genre for r in rows}) > 15
    row = rows[0]
    prefix = context_of(recipe, pools, row.context_id)
    assert [m.role for m in prefix] == ["user", "assistant"]
    assert len(prefix[1].content.splitlines()) == 6
    turn = row_of(recipe, row).turn
    assert all(word in turn for word in (row.genre, *row.topics, "20 sentences"))
    assert "{" not in turn + prefix[0].content


def test_the_starter_scratch_request_is_the_system_message() -> None:
    recipe, pools = setup("starter-scratch")
    row = next(plan_sentences(recipe, pools, 1, ENGINE))
    (message,) = context_of(recipe, pools, row.context_id)
    assert message.role == "system"
    assert f"Genre: {row.genre}. Topic: {', '.join(row.topics)}." in message.content
    assert row_of(recipe, row).turn == ""
    assert len(context_ids(recipe, pools, "sentence")) == 1000


@pytest.mark.parametrize("name", ["syncse-scratch", "starter-scratch"])
def test_more_calls_go_on_where_fewer_ended(name: str) -> None:
    recipe, pools = setup(name)
    whole = list(plan_sentences(recipe, pools, 30, ENGINE))
    assert whole == [*plan_sentences(recipe, pools, 12, ENGINE), *plan_sentences(recipe, pools, 18, ENGINE, start=12)]


def test_partial_recipes_have_no_sentence_plan() -> None:
    recipe, pools = setup("starter")
    with pytest.raises(SyncseError, match="No sentence pool"):
        next(plan_sentences(recipe, pools, 1, ENGINE))


def test_a_context_of_another_plan_is_unknown() -> None:
    recipe, pools = setup("starter")
    for context_id in ("positive/none/0", "other/entail/0"):
        with pytest.raises(KeyError):
            draw_context(recipe, pools, context_id)
