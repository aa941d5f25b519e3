"""The parser: what it strips, what it keeps, and every typed failure."""

import pytest

from syncse_local.records import Message
from syncse_local.synthesis.parse import Failure, Parsed, parse_pair, parse_sentences
from syncse_local.synthesis.recipe import Limits

ANCHOR = "A man is playing a guitar on the stage."
GOOD = "On the stage, a man plays the guitar."
PREFIX = (
    Message("system", "Say the given sentence in a different way while keeping its meaning the same."),
    Message("user", "My knees hurt whenever it rains."),
    Message("assistant", "Rainy weather always makes my knees ache."),
)


def parsed(raw: str, finish: str = "stop", anchor: str = ANCHOR) -> Parsed:
    return parse_pair(raw, finish, anchor, PREFIX)


@pytest.mark.parametrize(
    "raw",
    [
        GOOD,
        f"  {GOOD}\n",
        f"<think>Let me see.\nA draft.</think>\n\n{GOOD}",
        f"The user wants a paraphrase.\n</think>\n{GOOD}",
        f"<think>one</think> no <think>two</think>{GOOD}",
        f"<|channel|>analysis<|message|>Hmm.<|end|><|start|>assistant<|channel|>final<|message|>{GOOD}<|return|>",
        f"Answer: {GOOD}",
        f"**Answer:** {GOOD}",
        f"Paraphrased sentence: {GOOD}",
        f"Hard negative: {GOOD}",
        f'"{GOOD}"',
        f'"{GOOD[:-1]}".',
        f"\u201c{GOOD}\u201d",
        f"\u00ab{GOOD}\u00bb",
        f"- {GOOD}",
        f"1. {GOOD}",
        f"> {GOOD}",
        f"**{GOOD}**",
        f"*{GOOD}*",
        f"```\n{GOOD}\n```",
        f"```text\n{GOOD}\n```",
        f"Sure! Here is a paraphrase of the sentence: {GOOD}",
        f"Here's a paraphrased version:\n\n{GOOD}",
        f"Certainly!\n\n{GOOD}",
        f'Sure, here is a rewritten sentence:\n\n"{GOOD}"',
        f"Sentence: {ANCHOR}\nParaphrase: {GOOD}",
        f"{ANCHOR}\nAnswer: {GOOD}",
        f"{GOOD}\n\nExplanation: I swapped the order.",
        f"{GOOD} (Note: the meaning is kept.)",
        f"{GOOD}\nUser: My knees hurt whenever it rains.\nAssistant: Rainy weather",
        f"{GOOD}<|im_end|>\n<|im_start|>user\nMore",
        f"{GOOD}</s>",
        f"<|start_header_id|>assistant<|end_header_id|>\n\n{GOOD}<|eot_id|>",
        f"<answer>{GOOD}</answer>",
        "On the stage,\n a man plays\tthe  guitar.",
        f"\x1b[31m{GOOD}\x1b[0m",
        f"\u202e{GOOD}\u202c\u200b\x00",
        "On the stage, a man\x07 plays the gui\u00adtar.",
    ],
)
def test_answers_are_found_whatever_they_are_wrapped_in(raw: str) -> None:
    assert parsed(raw) == Parsed(GOOD)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('"Go" and "stop" are signs.', '"Go" and "stop" are signs.'),
        ('"He said "no" again."', 'He said "no" again.'),
        ("'I don't know the way.'", "I don't know the way."),
        ("The dogs' toys broke.", "The dogs' toys broke."),
        ('He shouted "run!"', 'He shouted "run!"'),
        ('"Go home," he told them.', '"Go home," he told them.'),
        ("\u2018Go home\u2019 was the boys\u2019 song\u2019.",) * 2,
        ('"NME"s writer praised the "song"',) * 2,
        ("Certainly.", "Certainly."),
        ("Of course", "Of course"),
        ("They protest against the policy of Smith & Co. Ltd. today.",) * 2,
        ("5 men play 2 guitars.", "5 men play 2 guitars."),
        ("Great news: the shop opens.", "Great news: the shop opens."),
        ("Note the time of the train.", "Note the time of the train."),
        ("She scored 3.5 points, i.e. less.", "She scored 3.5 points, i.e. less."),
        ("Dr. Jones met Mr. A. Smith at 5 p.m. Monday in the U.S. Capitol.",) * 2,
        ("It costs $5 * 3 * 2.", "It costs $5 * 3 * 2."),
        ("\u06a9\u062a\u0627\u0628\u200c\u0647\u0627 \u0631\u0627 \u062e\u0648\u0627\u0646\u062f\u0645.",) * 2,
    ],
)
def test_what_belongs_to_the_sentence_stays(raw: str, expected: str) -> None:
    assert parsed(raw) == Parsed(expected)


@pytest.mark.parametrize(
    ("raw", "finish", "failure"),
    [
        ("I'm sorry, but I can't help with that request.", "stop", Failure.REFUSAL),
        ("I\u2019m sorry, but I cannot generate such a sentence.", "stop", Failure.REFUSAL),
        ("As an AI language model, I do not have opinions.", "stop", Failure.REFUSAL),
        ("I cannot fulfill your request. It is harmful.", "stop", Failure.REFUSAL),
        ("Please provide the sentence you want me to rewrite.", "stop", Failure.REFUSAL),
        ("The given sentence is incomplete, so there is no paraphrase.", "stop", Failure.REFUSAL),
        (ANCHOR, "stop", Failure.COPY),
        ("a man is playing a guitar on the stage", "stop", Failure.COPY),
        ("", "stop", Failure.EMPTY),
        ("...", "stop", Failure.EMPTY),
        ('""', "stop", Failure.EMPTY),
        ("Answer:", "stop", Failure.EMPTY),
        ("<think>done</think>", "stop", Failure.EMPTY),
        ("<think>The user wants", "length", Failure.REASONING),
        ("<think>The user wants", "stop", Failure.REASONING),
        ("On the stage, a man plays the", "length", Failure.TRUNCATED),
        ("", "length", Failure.TRUNCATED),
        ("He is very very very very very good.", "stop", Failure.LOOP),
        ("a man on a man on a man on a man on the stage", "length", Failure.LOOP),
        ("hahahahahahahahaha", "stop", Failure.LOOP),
        ("Whaaaaaaaaaaaat is it?", "stop", Failure.LOOP),
        ("A man plays the guitar. He is on the stage.", "stop", Failure.TWO_SENTENCES),
        ("A man plays a guitar\nA man has a guitar", "stop", Failure.TWO_SENTENCES),
        ("1. A man plays a guitar\n2. A man has a guitar", "stop", Failure.TWO_SENTENCES),
        ("Is he a guitarist? He plays well.", "stop", Failure.TWO_SENTENCES),
        ("\u4ed6\u5728\u5f39\u5409\u4ed6\u3002\u4ed6\u5728\u53f0\u4e0a\u3002", "stop", Failure.TWO_SENTENCES),
        (PREFIX[0].content, "stop", Failure.LEAKED_PROMPT),
        ("The man plays, keeping its meaning the same.", "stop", None),
        ("Plays while keeping its meaning the same way.", "stop", Failure.LEAKED_PROMPT),
        (PREFIX[2].content, "stop", Failure.LEAKED_PROMPT),
        (f"{GOOD[:-1]} and rainy weather always makes my knees ache.", "stop", Failure.LEAKED_PROMPT),
        ("word " * 30 + "and " + "other thing " * 2 + "x " * 4 + " ".join(map(str, range(60))), "stop", Failure.LOOP),
        (" ".join(f"word{i}" for i in range(65)), "stop", Failure.TOO_LONG),
        ("w" + "xyz".join(map(str, range(200))), "stop", Failure.TOO_LONG),
        ("anything", "refused", Failure.REFUSED),
        ("anything", "error", Failure.ERROR),
    ],
)
def test_failures_are_typed(raw: str, finish: str, failure: Failure | None) -> None:
    assert parsed(raw, finish).failure == failure


@pytest.mark.parametrize(
    ("anchor", "raw"),
    [
        (
            "I'm sorry, I can't provide a receipt for this request.",
            "Sorry, I am unable to provide this request's receipt.",
        ),
        ("No no no no no no way.", "Never never never never never never way."),
        ("He left. She stayed.", "He went away. She did not."),
        ('"Stop right there."', '"Do not move."'),
        ("Answer: it depends.", "Answer: that varies."),
        ("- 5 degrees today.", "- 6 degrees today."),
    ],
)
def test_what_the_anchor_has_too_is_no_failure(anchor: str, raw: str) -> None:
    assert parse_pair(raw, "stop", anchor, PREFIX) == Parsed(raw)


def test_an_answer_that_ended_before_the_limit_is_not_truncated() -> None:
    assert parsed(f"{GOOD}\nUser: What about", "length") == Parsed(GOOD)
    assert parsed(f"{GOOD}<|end|><|user|>What about", "length") == Parsed(GOOD)


def test_short_prompts_leak_only_at_the_beginning() -> None:
    prefix = (Message("system", "Say the opposite."),)
    assert parse_pair("Politicians say the opposite.", "stop", ANCHOR, prefix).failure is None
    assert parse_pair("Say the opposite. No man.", "stop", ANCHOR, prefix).failure == Failure.LEAKED_PROMPT


def test_limits_are_the_recipes() -> None:
    assert parse_pair(GOOD, "stop", ANCHOR, (), Limits(max_words=7)).failure == Failure.TOO_LONG
    assert parse_pair(GOOD, "stop", ANCHOR, (), Limits(max_words=8)).failure is None
    assert parse_pair(GOOD, "stop", ANCHOR, (), Limits(min_words=9)).failure == Failure.TOO_SHORT
    assert parse_pair(GOOD, "stop", ANCHOR, (), Limits(min_words=8)).failure is None
    short, long = parse_sentences("A dog.\nA dog runs home.", "stop", (), Limits(sentence_min_words=3))
    assert (short.failure, long.failure) == (Failure.TOO_SHORT, None)


def test_a_list_of_sentences() -> None:
    raw = (
        "Here are 5 sentences:\n\n1. **Pets:** A grey kitten sleeps.\n2) The bus is late again.\n"
        "- The bus is late again!\n\n"
        f"* {'very ' * 3}long {' '.join(f'w{i}' for i in range(32))}\nDr. Lee smiled.\nLet me know if you want more."
    )
    found = parse_sentences(raw, "stop", (), Limits(), topics=["pets"])
    assert [p.text for p in found[:3]] == ["A grey kitten sleeps.", "The bus is late again.", "The bus is late again!"]
    assert [p.failure for p in found] == [None, None, Failure.DUPLICATE, Failure.TOO_LONG, None]
    assert found[4].text == "Dr. Lee smiled."


def test_only_the_last_sentence_of_a_truncated_list_fails() -> None:
    found = parse_sentences("The sun is up.\nThe rain has gone.\nA bird is", "length")
    assert [p.failure for p in found] == [None, None, Failure.TRUNCATED]


def test_one_paragraph_is_split_and_one_sentence_is_not() -> None:
    paragraph = "The sun is up. Mr. Hill is out. Is it warm?"
    assert [p.text for p in parse_sentences(paragraph, "stop")] == ["The sun is up.", "Mr. Hill is out.", "Is it warm?"]
    assert [p.failure for p in parse_sentences(paragraph, "stop", count=1)] == [Failure.TWO_SENTENCES]
    assert parse_sentences("The sun is up.", "stop", count=1) == [Parsed("The sun is up.")]


@pytest.mark.parametrize(
    ("raw", "finish", "failure"),
    [
        ("", "stop", Failure.EMPTY),
        ("", "length", Failure.TRUNCATED),
        ("x", "refused", Failure.REFUSED),
        ("I'm sorry, but I can't generate such sentences.", "stop", Failure.REFUSAL),
        ("Rainy weather always makes my knees ache.", "stop", Failure.LEAKED_PROMPT),
    ],
)
def test_sentence_failures(raw: str, finish: str, failure: Failure) -> None:
    assert [p.failure for p in parse_sentences(raw, finish, PREFIX)] == [failure]
