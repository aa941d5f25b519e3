"""Reasoning of every known form: taken away where it closes, typed where it does not, closed where a prompt leaves it open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncse_local.errors import SyncseError
from syncse_local.records import Completion
from syncse_local.store.ledger import Answered, Outcome
from syncse_local.synthesis.answering import JUDGED, Pace, _check_failure_rate
from syncse_local.synthesis.parse import Failure, parse_pair, parse_sentences
from syncse_local.text.reasoning import FORMATS, closed, open_mark, split, thinks_aloud

ANCHOR = "A man is playing a guitar on the stage."
GOOD = "Someone performs with a guitar in front of people."
THOUGHT = "The user wants a paraphrase. I keep the guitar and change the words."

FINISHED = {
    "tags": f"<think>\n{THOUGHT}\n</think>\n\n{GOOD}",
    "tags, opened by the prompt": f"{THOUGHT}\n</think>\n\n{GOOD}",
    "an empty block": f"<think>\n\n</think>\n\n{GOOD}",
    "two blocks": f"<think>{THOUGHT}</think>A draft.<think>Better.</think>{GOOD}",
    "seed": f"<seed:think>{THOUGHT}</seed:think>{GOOD}",
    "mm": f"<mm:think>{THOUGHT}</mm:think>{GOOD}",
    "tag with a model's suffix": f"<think:opensource>{THOUGHT}</think:opensource>{GOOD}",
    "exaone": f"<thought>\n{THOUGHT}\n</thought>\n\n{GOOD}",
    "reflection": f"<reflection>{THOUGHT}</reflection>\n{GOOD}",
    "magistral": f"[THINK]{THOUGHT}[/THINK]{GOOD}",
    "cohere": f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_RESPONSE|>{GOOD}<|END_RESPONSE|>",
    "kimi-vl": f"◁think▷{THOUGHT}◁/think▷{GOOD}",
    "gpt-oss": f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{GOOD}<|return|>",
    "gpt-oss, final alone": f"<|channel|>final<|message|>{GOOD}",
    "gpt-oss, marks lost": f"analysis{THOUGHT}assistantfinal{GOOD}",
    "gemma 4": f"<|channel>thought\n{THOUGHT}<channel|>{GOOD}<turn|>",
    "gemma 4, empty": f"<|channel>thought\n<channel|>{GOOD}",
    "apertus": f"<|inner_prefix|>{THOUGHT}<|inner_suffix|>{GOOD}<|assistant_end|>",
    "solar": f"<|think|>{THOUGHT}<|end|><|begin|>assistant<|content|>{GOOD}<|end|>",
    "solar, content alone": f"<|content|>{GOOD}<|end|>",
    "muse": f" assistant to=self<|message|>{THOUGHT}<|eom|><|start|>assistant to=user<|message|>{GOOD}<|eot|>",
    "kimi k3": f"<|open|>think<|sep|>{THOUGHT}<|close|>think<|sep|><|open|>response<|sep|>{GOOD}<|close|>response<|sep|>",
    "apriel": f"Here are my reasoning steps:\n{THOUGHT}\n[BEGIN FINAL RESPONSE]\n{GOOD}\n[END FINAL RESPONSE]",
    "granite": f"<think>{THOUGHT}</think><response>{GOOD}</response>",
    "granite, words": f"Here is my thought process:\n{THOUGHT}\n\nHere is my response:\n{GOOD}",
    "hunyuan": f"<think>\n{THOUGHT}\n</think>\n<answer>\n{GOOD}\n</answer>",
}
CUT = {
    "tags": f"<think>\n{THOUGHT}",
    "a colon in the tag": f"<seed:think>{THOUGHT}",
    "magistral": f"[THINK]{THOUGHT}",
    "cohere": f"<|START_THINKING|>{THOUGHT}",
    "gpt-oss": f"<|channel|>analysis<|message|>{THOUGHT}",
    "gpt-oss, marks lost": f"analysis{THOUGHT}",
    "gemma 4": f"<|channel>thought\n{THOUGHT}",
    "apertus": f"<|inner_prefix|>{THOUGHT}",
    "solar": f"<|think|>{THOUGHT}",
    "kimi k3": f"<|open|>think<|sep|>{THOUGHT}",
    "no mark": "Okay, the user wants me to rewrite the sentence about a guitar.",
    "no mark, we": "We need to paraphrase the sentence and keep the guitar.",
    "no mark, let me": "Let me think about how to rephrase this.",
    "a mark inside": f"{GOOD} <think> Is that good?",
}


@pytest.mark.parametrize("raw", FINISHED.values(), ids=FINISHED.keys())
def test_the_answer_is_what_follows(raw: str) -> None:
    assert parse_pair(raw, "stop", ANCHOR) == (GOOD, None)
    assert [item.text for item in parse_sentences(raw, "stop")] == [GOOD]


@pytest.mark.parametrize("finish", ["length", "stop"])
@pytest.mark.parametrize("raw", CUT.values(), ids=CUT.keys())
def test_what_never_closes_is_no_answer(raw: str, finish: str) -> None:
    assert parse_pair(raw, finish, ANCHOR).failure is Failure.REASONING
    assert [item.failure for item in parse_sentences(raw, finish)] == [Failure.REASONING]


@pytest.mark.parametrize(
    "sentence",
    [
        "We need to create more jobs in the north.",
        "Let me think about it until tomorrow.",
        "I have to write a letter to my mother.",
        "The analysis was done by two people.",
        "Let's see a film tonight.",
        "So the user interface was changed.",
        "First, we make the dough and let it rest.",
        "An answer <b>in bold</b> was given.",
    ],
)
def test_ordinary_sentences_are_no_reasoning(sentence: str) -> None:
    assert parse_pair(sentence, "stop", ANCHOR).failure is None


def test_a_sentence_that_itself_sounds_so_is_no_reasoning() -> None:
    anchor = "The user wants the program to rewrite the sentence."
    assert thinks_aloud(anchor, ANCHOR)
    assert parse_pair("The user wants the sentence to be changed by the program.", "stop", anchor).failure is None


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("<|im_start|>assistant\n<think>\n", "<|im_start|>assistant\n<think>\n\n</think>\n\n"),
        ("<seed:bos>assistant\n<seed:think>", "<seed:bos>assistant\n<seed:think>\n\n</seed:think>\n\n"),
        ("[/INST][THINK]", "[/INST][THINK][/THINK]"),
        (
            "<|CHATBOT_TOKEN|><|START_THINKING|>",
            "<|CHATBOT_TOKEN|><|START_THINKING|><|END_THINKING|><|START_RESPONSE|>",
        ),
        ("assistant\n◁think▷", "assistant\n◁think▷◁/think▷"),
        ("<|turn>model\n<|channel>thought\n", "<|turn>model\n<|channel>thought<channel|>"),
        ("assistant: <think>\n\n</think>\n\n", "assistant: <think>\n\n</think>\n\n"),
        ("<|im_start|>assistant\n", "<|im_start|>assistant\n"),
    ],
)
def test_a_thought_that_a_prompt_leaves_open_is_closed(prompt: str, answer: str) -> None:
    assert closed(prompt) == answer
    assert bool(open_mark(prompt)) == (prompt != answer)
    assert not open_mark(answer)


OPEN = (
    "<think>\n", "<seed:think>", "<thought>", "[THINK]", "<|START_THINKING|>", "◁think▷", "<|channel|>analysis<|message|>",
    "<|channel>thought\n", "<|inner_prefix|>", "<|think|>", "<|open|>think<|sep|>", "Here are my reasoning steps:\n",
)  # fmt: skip


@pytest.mark.parametrize("mark", OPEN)
def test_what_is_written_to_close_a_thought_closes_it(mark: str) -> None:
    found = split(closed(mark) + GOOD)
    assert (found.answer.strip(), found.open) == (GOOD, False)


def test_every_form_that_can_be_closed_is_tried_above() -> None:
    closings = {form.closing for form in FORMATS if form.closing}
    assert len(
        {closed(mark)[len(mark.rstrip()) :].replace("seed:", "").replace("thought", "think") for mark in OPEN}
    ) == len(closings)


@given(st.text(alphabet=st.sampled_from(list("<>/|[]thinkTHINK anlysif◁▷:channel")), max_size=80))
def test_any_text_is_split_into_parts_of_itself(text: str) -> None:
    found = split(text)
    assert found.answer in text
    assert not split(found.answer).reasoning or found.open


def test_a_run_whose_answers_are_reasoning_is_told_what_to_switch() -> None:
    def answered(key: str, failure: str | None) -> Answered:
        return Answered(Completion(key, "x", "length"), 2, [Outcome("x", failure)])

    pace = Pace(0.0)
    for i in range(JUDGED):
        pace.add(answered(str(i), "reasoning" if i % 2 else None))
    last = Completion("k", "x", "length")
    with pytest.raises(SyncseError, match="reasons and does not answer") as caught:
        _check_failure_rate(pace, 0.4, last)
    assert "--thinking off" in caught.value.hint
    _check_failure_rate(pace, 0.6, last)
    other = Pace(0.0)
    for i in range(JUDGED):
        other.add(answered(str(i), "copy"))
    with pytest.raises(SyncseError, match="Too many rejected"):
        _check_failure_rate(other, 0.4, last)
