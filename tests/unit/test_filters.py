"""Each filter: what it drops, what it lets pass, and the score it keeps."""

import math

import pytest

from syncse_local.errors import SyncseError
from syncse_local.synthesis.contamination import Gate
from syncse_local.synthesis.filters import contamination, cosine, form, judge, language, length, lexical
from syncse_local.synthesis.filters.apply import judge_all
from syncse_local.synthesis.filters.duplicates import Kept
from syncse_local.synthesis.filters.instruments import Instruments
from syncse_local.synthesis.filters.settings import (
    Contamination,
    Cosine,
    Duplicates,
    FilterSettings,
    Form,
    Judge,
    Language,
    Length,
    Lexical,
    changed,
)
from syncse_local.synthesis.filters.verdict import Candidate, Check, Reason, Verdict
from syncse_local.text.clean import sentence_key
from syncse_local.text.words import overlap

SENTENCE = "The old man feeds the ducks in the park every morning."
POSITIVE = "Each morning an elderly man gives food to the ducks in the park."
NEGATIVE = "The old man chases the ducks out of the park every evening."


def row(sentence: str = SENTENCE, positive: str = POSITIVE, negative: str = NEGATIVE, ordinal: int = 0) -> Candidate:
    return Candidate(ordinal, sentence_key(sentence), sentence, positive, negative)


def said(check: Check, sentence: str = SENTENCE, positive: str = POSITIVE, negative: str = NEGATIVE) -> Reason | None:
    finding = check.judge(row(sentence, positive, negative))
    assert finding.verdict in (Verdict.KEEP, Verdict.DROP)
    assert (finding.reason is None) == (finding.verdict is Verdict.KEEP)
    return finding.reason


ALONE = [
    form.check(Form()), language.check(Language()), length.check(Length()), *lexical.checks(Lexical(), 0.05),
]  # fmt: skip


@pytest.mark.parametrize("check", ALONE, ids=lambda check: check.name)
def test_a_good_triplet_passes_with_a_score(check: Check) -> None:
    assert said(check) is None
    score = check.judge(row()).score
    assert score is not None
    assert math.isfinite(score)


@pytest.mark.parametrize(
    ("positive", "reason"),
    [
        ("?? -- !! ** __ a", Reason.FEW_LETTERS),
        ("<b>An elderly man</b> feeds ducks.", Reason.MARKUP),
        ("**An elderly man** feeds ducks.", Reason.MARKUP),
        ("The {subject} feeds ducks.", Reason.MARKUP),
        ("An elderly man (in the park feeds ducks.", Reason.UNBALANCED),
        ('An elderly man said "feed the ducks.', Reason.UNBALANCED),
        ("An elderly man feeds the ducks in the", Reason.DANGLING),
        ("An elderly man feeds the ducks,", Reason.DANGLING),
        ("The ducks are who he lives with", None),
        ("Ducks are what he is afraid of", None),
        ("Er sagt: \u201eDie Enten!\u201c", None),
    ],
)
def test_form(positive: str, reason: Reason | None) -> None:
    assert said(form.check(Form()), SENTENCE, positive) == reason


def test_what_the_sentence_shows_is_no_fault_of_its_outputs() -> None:
    sentence = "Type <br> to break a (line"
    assert said(form.check(Form()), sentence, "To break a (line, type <br> in", "Never type <br> (here") is None


@pytest.mark.parametrize(
    ("sentence", "positive", "reason"),
    [
        (SENTENCE, "Старик кормит уток в парке каждое утро.", Reason.SCRIPT),
        (SENTENCE, "老人每天早上在公园喂鸭子。", Reason.SCRIPT),
        (SENTENCE, "Der alte Mann füttert die Enten und ist nicht allein.", Reason.LANGUAGE),
        (SENTENCE, "The old man from Übersee feeds ducks.", None),
        ("Der alte Mann ist im Park und füttert die Enten.", "Im Park ist der Alte und füttert die Enten.", None),
        ("Der Hund ist nicht im Garten und bellt.", "The dog is not in the garden and it barks.", Reason.LANGUAGE),
        ("這位老人每天早上餵鴨子。", "每天早上,老人都餵鴨子。", None),
        ("1 2 3", "4 5 6", None),
        ("Did you go door to door?", "Was it that you went door to door?", None),
    ],
)
def test_language(sentence: str, positive: str, reason: Reason | None) -> None:
    assert said(language.check(Language()), sentence, positive, sentence) == reason


@pytest.mark.parametrize(
    ("positive", "reason"),
    [("Ducks.", Reason.SHORT), (" ".join(["duck"] * 40), Reason.LONG), ("He feeds ducks daily.", None)],
)
def test_length(positive: str, reason: Reason | None) -> None:
    assert said(length.check(Length(min_ratio=0.33)), SENTENCE, positive) == reason


def test_lexical() -> None:
    checks = {check.name: check for check in lexical.checks(Lexical(), 0.05)}
    assert (
        said(checks["positive_copy"], SENTENCE, "Every morning the old man feeds the ducks in the park!") is Reason.COPY
    )
    assert said(checks["negative_copy"], SENTENCE, POSITIVE, SENTENCE.upper().replace(".", " !")) is Reason.COPY
    assert said(checks["same_pair"], SENTENCE, NEGATIVE.upper(), NEGATIVE) is Reason.SAME
    assert said(checks["negative_far"], SENTENCE, POSITIVE, "Stocks fell sharply on Monday.") is Reason.BELOW_CHANCE
    assert said({c.name: c for c in lexical.checks(Lexical(min_chance=0), 0.9)}["negative_far"]) is None


def test_overlap_counts_words_and_characters_where_words_are_not_spaced() -> None:
    assert overlap("The dog runs.", "a dog RUNS!") == pytest.approx(2 / 4)
    assert 0 < overlap("狗在跑步", "狗在睡觉") < 1


def test_chance_is_the_same_in_any_order_and_nothing_for_a_few_rows() -> None:
    rows = [row(f"The {i}th thing is here.", "x", f"The {i}th thing is gone.", i) for i in range(60)]
    chance = lexical.chance_overlap(rows)
    assert 0.3 < chance < 0.9
    assert lexical.chance_overlap(rows[::-1]) == chance
    assert lexical.chance_overlap(rows[:10]) == 0.0


def _kept(near: float = 0.8) -> tuple[Kept, dict[str, Check]]:
    kept = Kept(Duplicates(near=near))
    return kept, {check.name: check for check in kept.checks()}


def test_duplicates() -> None:
    kept, checks = _kept()
    kept.add(row())
    assert checks["duplicate"].judge(row(SENTENCE.upper())).reason is Reason.DUPLICATE
    assert checks["duplicate"].judge(row(SENTENCE, "Another positive.")).reason is None
    near = checks["near_duplicate"].judge(row(SENTENCE.replace("every", "each and every"), "Another.", "One more."))
    assert near.reason is Reason.NEAR_DUPLICATE
    assert near.score is not None
    assert 0.8 <= near.score < 1
    assert checks["near_duplicate"].judge(row("Stocks fell sharply on Monday.")).reason is None


def test_samples_of_one_sentence_are_no_near_duplicates() -> None:
    kept, checks = _kept(0.0)
    kept.add(row())
    assert checks["near_duplicate"].judge(row(SENTENCE, "Another positive.")).reason is None


def _measured(values: dict[str, float]) -> cosine.Measured:
    return lambda _sentence, output: values.get(output)


def test_cosines() -> None:
    settings = Cosine("encoder", min_positive=0.5, min_margin=0.1, max_negative=0.95)

    def reasons(positive: float, negative: float) -> list[Reason | None]:
        checks = cosine.checks(settings, _measured({POSITIVE: positive, NEGATIVE: negative}))
        return [check.judge(row()).reason for check in checks]

    assert reasons(0.9, 0.5) == [None, None, None]
    assert reasons(0.4, 0.2) == [Reason.TOO_FAR, None, None]
    assert reasons(0.99, 0.96) == [None, Reason.TOO_CLOSE, Reason.TOO_CLOSE]
    unknown = cosine.checks(settings, _measured({}))
    assert {check.judge(row()) for check in unknown} == {cosine.UNMEASURED}


@pytest.mark.parametrize(
    ("positive", "negative", "verdict"),
    [
        (5, 1, Verdict.KEEP), (3, 2, Verdict.KEEP), (1, 5, Verdict.SWAP), (3, 3, Verdict.DROP), (2, 1, Verdict.DROP),
        (5, 4, Verdict.DROP), (4, 5, Verdict.DROP), (2, 3, Verdict.SWAP),
    ],
)  # fmt: skip
def test_the_judges_rule(positive: float, negative: float, verdict: Verdict) -> None:
    finding = judge.check(Judge("model"), _measured({POSITIVE: positive, NEGATIVE: negative})).judge(row())
    assert (finding.verdict, finding.score) == (verdict, positive - negative)


@pytest.mark.parametrize(
    ("raw", "score"),
    [
        ("4", 4.0), ("Score: 3.5.", 3.5), ("<think>maybe 2</think>5", 5.0), ("5/5", 5.0), ("no idea", None), ("10", None),
        ("", None), ("-1", None), ("0", 0.0), ("The score is 4, because", 4.0),
    ],
)  # fmt: skip
def test_the_judges_answer(raw: str, score: float | None) -> None:
    assert judge.parse_score(raw, "stop") == score


def test_an_engines_failure_is_no_score() -> None:
    assert judge.parse_score("4", "error") is None


def test_contamination_flags_and_keeps() -> None:
    gate = Gate()
    gate.add("STSB", [SENTENCE])
    check = contamination.check(Contamination(), gate, lambda _: None)
    finding = check.judge(row("Another one.", SENTENCE.upper()))
    assert (finding.verdict, finding.reason, finding.score) == (Verdict.FLAG, Reason.EVALUATION, 1.0)
    finding = check.judge(row("Another one."))
    assert (finding.verdict, finding.reason, finding.score) == (Verdict.KEEP, None, 0.0)


def test_contamination_by_cosine_needs_an_encoder_and_a_limit() -> None:
    near = {SENTENCE: 0.2, POSITIVE: 0.96, NEGATIVE: 0.1}.get
    settings = Contamination(encoder="x", max_cosine=0.95)
    finding = contamination.check(settings, Gate(), near).judge(row())
    assert (finding.verdict, finding.score) == (Verdict.FLAG, 0.96)
    finding = contamination.check(Contamination(encoder="x", max_cosine=0.97), Gate(), near).judge(row())
    assert (finding.verdict, finding.reason) == (Verdict.KEEP, None)
    finding = contamination.check(settings, Gate(), near).judge(row("Something that nobody measured."))
    assert (finding.verdict, finding.score) == (Verdict.FLAG, 0.96)
    finding = contamination.check(settings, Gate(), {SENTENCE: 0.2}.get).judge(row())
    assert (finding.verdict, finding.reason) == (Verdict.KEEP, Reason.UNMEASURED)


def test_a_group_of_duplicates_keeps_a_member_that_the_other_filters_keep() -> None:
    first = row(SENTENCE, "Ducks.", NEGATIVE, 1)  # dropped as short, so it cannot stand for the group
    second = row(SENTENCE.replace("every", "each"), POSITIVE, NEGATIVE, 2)
    third = row(SENTENCE.replace("every", "any"), POSITIVE, NEGATIVE, 3)
    settings = changed(FilterSettings(), {"duplicates.near": 0.7, "length.min_ratio": 0.33}, "test")
    judged = judge_all([third, first, second], settings, Instruments(), Gate())
    dropped = {c.ordinal: [k.name for k, f in found if f.verdict is Verdict.DROP] for c, found in judged}
    assert dropped == {1: ["length"], 2: [], 3: ["near_duplicate"]}


def test_what_another_run_has_is_a_duplicate_here() -> None:
    judged = judge_all([row()], FilterSettings(), Instruments(), Gate(), against=[row()])
    assert [k.name for _, found in judged for k, f in found if f.verdict is Verdict.DROP] == ["duplicate"]


def test_filters_can_be_turned_off() -> None:
    off = {f"{name}.enabled": False for name in ("form", "language", "length", "lexical", "duplicates")}
    settings = changed(FilterSettings(), off, "test")
    ((_, found),) = judge_all([row(positive="<b>")], settings, Instruments(), Gate())
    assert [check.name for check, _ in found] == ["contamination"]


def test_settings_are_checked_and_come_back() -> None:
    settings = changed(FilterSettings(), {"lexical.max_overlap": 0.5, "cosine.encoder": "x"}, "test")
    assert FilterSettings.from_dict(settings.to_dict(), "test") == settings
    assert settings.hash != FilterSettings().hash
    for change, hint in (
        ({"lexical.max_overlp": 1}, 'Did you mean "max_overlap"?'),
        ({"lexcal.max_overlap": 1}, 'Did you mean "lexical"?'),
        ({"lexical.max_overlap": 2}, "Correct"),
        ({"lexical.max_overlap": float("nan")}, "Correct"),
        ({"lexical.enabled": "yes"}, "Correct"),
        ({"cosine.encoder": 1}, "Correct"),
    ):
        with pytest.raises(SyncseError) as caught:
            changed(FilterSettings(), change, "test")
        assert caught.value.hint.startswith(hint)
