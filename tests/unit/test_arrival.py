"""Signs that a message does not arrive: said where it does not, and not of a working model, however alike its answers are."""

import random

from syncse_local import paths
from syncse_local.records import Completion
from syncse_local.store.ledger import Answered, Outcome, Planned
from syncse_local.synthesis.answering import Pace, unshared
from syncse_local.synthesis.arrival import FIRST, LEAST, LEAST_RANKED, Arrival, coinciding, one_answer, strangers

SENTENCES = paths.starter_sentences().read_text(encoding="utf-8").splitlines()[:FIRST]


def negated(sentence: str) -> str:
    """What a plain model answers: half of the sentence's words in a frame that never changes."""
    return f"It is not true that the {' '.join(sentence.lower().rstrip('.').split()[2:])}."


def said(count: int, answers: list[str], role: str = "positive") -> Arrival:
    """Arrival after answers to the first sentences."""
    made = Arrival()
    for number in range(count):
        row = Planned(str(number), number, "s", role, 0, "p", "c", SENTENCES[number], 1)
        made.add(row, Answered(Completion(str(number), "", "stop"), 1, [Outcome(answers[number], None)]))
    return made


def test_the_same_text_on_both_sides_is_said() -> None:
    same = [{"positive": "A man sleeps.", "negative": "a man sleeps"}] * 8
    other = [{"positive": "A man sleeps.", "negative": "No man sleeps."}] * 8
    assert "equals the hard negative in 8 of 8" in coinciding(same)
    assert "in 8 of 16" in coinciding(same + other)
    assert coinciding(same[: LEAST - 1]) == ""
    assert coinciding(same[:7] + other) == ""


def test_answers_of_a_working_model_are_no_sign() -> None:
    found = [negated(sentence) for sentence in SENTENCES]
    assert list(said(FIRST, found).warnings("positive")) == []
    assert list(said(FIRST, SENTENCES).warnings("positive")) == []


def test_answers_that_went_to_other_sentences_are_a_sign() -> None:
    shuffled = [negated(sentence) for sentence in SENTENCES]
    random.Random(3).shuffle(shuffled)
    assert "50 positives share hardly more words" in next(said(FIRST, shuffled).warnings("positive"))
    assert strangers("positive", list(zip(SENTENCES, shuffled, strict=True))[: LEAST_RANKED - 1]) == ""


def test_one_answer_to_all_is_a_sign() -> None:
    canned = ["I am a helpful assistant.", "How can I help you today?"] * 25
    assert "50 of 50 sentences have a positive that another" in next(said(FIRST, canned).warnings("positive"))


def test_samples_of_one_sentence_may_be_alike() -> None:
    assert one_answer("positive", [("A dog runs.", "A dog is running.")] * 40) == ""


def test_scripts_without_spaces_are_compared_by_character() -> None:
    sentences = [
        f"第{n}天{a}在{b}。"
        for n, (a, b) in enumerate(zip("猫狗鸟鱼牛马羊鸡鸭鹅", "家河山海田林城村店桥", strict=True))
    ]
    assert strangers("positive", [(s, f"不，{s}") for s in sentences]) == ""
    moved = list(zip(sentences, sentences[1:] + sentences[:1], strict=True))
    assert strangers("positive", moved) != ""


def test_each_role_is_looked_at_once_when_there_is_enough_or_at_the_end() -> None:
    found = [negated(sentence) for sentence in SENTENCES]
    made = said(FIRST - 1, found)
    assert made.due() == []
    assert made.due(ended=True) == ["positive", "negative"]
    assert made.due(ended=True) == []
    assert said(FIRST, found, "negative").due() == ["negative"]
    assert said(5, found, "sentence").due() == []


def test_an_engine_that_shares_no_prefix_is_named_once_it_had_the_chance() -> None:
    def pace(cached: int, rows: int = 60) -> Pace:
        made = Pace(0.0)
        for i in range(rows):
            made.add(Answered(Completion(str(i), "x", "stop", 250, cached, 20), 2, [Outcome("x", None)]))
        return made

    sharing = {"shared_prefix": True}
    assert "0 %" in unshared(pace(0), 20.0, sharing)
    assert unshared(pace(230), 20.0, sharing) == ""
    assert pace(230).shared == 0.92
    assert unshared(pace(0), 1.0, sharing) == "", "contexts of one row have nothing to share"
    assert unshared(pace(0, 20), 20.0, sharing) == "", "too early to tell"
    assert unshared(pace(0), 20.0, {"shared_prefix": False}) == ""
    assert Pace(0.0).shared is None
