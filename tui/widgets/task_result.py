"""One task of a comparison: the ranking in tiers, every arm's interval, every difference with its verdict, the noise floor.

Verdicts are words, with a glyph and a colour beside them. Knows what a comparison holds, not how it was done.
"""

from collections.abc import Sequence

from textual.content import Content

from syncse_local.api import BETTER, CANNOT_TELL, WORSE
from syncse_local.text.display import safe
from tui.comparison import Comparison, Interval, Pair, Score, Task
from tui.labels import distinct
from tui.widgets.axis import Axis, below
from tui.widgets.section import MeasuredSection, lines
from tui.widgets.whiskers import whisker

NAME, INDENT, FIGURES = 18, 4, 26
"""Columns of an arm's name at most (or a quarter of the line), before a difference, and of the figures at a line's end."""
LEAST, COLUMNS_A_TICK = 12, 6  # columns of an axis that can still be read, and between two of its ticks
MARKS = {BETTER: ("▲", "$text-success bold"), WORSE: ("▼", "$text-error bold"), CANNOT_TELL: ("≈", "bold")}
CALIBRATE = "syncse calibrate"


class TaskResult(MeasuredSection):
    """Draws the task under the cursor for the room that it has."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._given: tuple[Comparison, Task] | None = None

    def show(self, comparison: Comparison, task: Task) -> None:
        """Draw this task of this comparison."""
        self._given = (comparison, task)
        self.redraw()

    def made_for(self, width: int) -> Content:
        """Ranking, scores, differences, remarks: the axes take the room that is there."""
        parts = _parts(*self._given, width) if self._given else []
        return Content("\n\n").join(part for part in parts if part.plain)


def _parts(comparison: Comparison, task: Task, width: int) -> list[Content]:
    return [
        lines(_title(task), *_ranking(task)),
        _scores(task.scores, width),
        _differences(task.pairs, width - INDENT - FIGURES),
        _remarks(comparison, task),
    ]


def _title(task: Task) -> Content:
    about = f" {safe(task.metric, 20)} x 100 over {task.items:,} {safe(task.unit, 20)}"
    return Content.assemble((safe(task.name, 60), "bold"), about)


def _ranking(task: Task) -> list[Content]:
    """One line a tier. Within a tier there is no order, and it is said so."""
    rows = []
    for place, tier in enumerate(task.tiers, 1):
        names = ", ".join(safe(name) for name in tier)
        note = f"  {_one_tier(task, tier)}" if len(tier) > 1 else ""
        rows.append(Content.assemble((f"{place:>2}  ", "$text-accent bold"), names, (note, "$text-muted")))
    return rows


def _one_tier(task: Task, tier: Sequence[str]) -> str:
    """Why these arms share a tier, though some of them may differ: a third one cannot be told from either."""
    apart = [pair for pair in task.pairs if {pair.first, pair.second} <= set(tier) and pair.verdict != CANNOT_TELL]
    if not apart:
        return "one tier: cannot be told apart"
    return "one tier: some of them differ, but another cannot be told from either"


def _scores(scores: Sequence[Score], width: int) -> Content:
    labels = distinct([safe(score.arm) for score in scores], max(NAME, width // 4))
    name = max(map(len, labels), default=0)
    ends = [end for score in scores if score.value is not None for end in (score.value, *(score.interval or ()))]
    if not ends:
        return lines(*(_undefined(score, f"{label:<{name}}") for label, score in zip(labels, scores, strict=True)))
    axis = Axis.around([100 * end for end in ends], max(LEAST, width - name - 1 - FIGURES))
    rows = [Content.styled("Scores, 95 % intervals", "bold")]
    for label, score in zip(labels, scores, strict=True):
        if score.value is None:
            rows.append(_undefined(score, f"{label:<{name}}"))
            continue
        drawn = whisker(axis, 100 * score.value, _hundred(score.interval))
        rows.append(_line(f"{label:<{name}} ", drawn, f"{100 * score.value:6.2f}", score.interval))
    return lines(*rows, _axis(axis, name + 1), _seeds(scores))


def _undefined(score: Score, name: str) -> Content:
    return Content(f"{name} undefined: {safe('; '.join(score.why) or 'no figure', 200)}")


def _seeds(scores: Sequence[Score]) -> Content:
    """How far the seeds of each arm scatter, where it has several."""
    told = [
        f"{safe(score.arm)} {100 * score.seed_sd:.2f} ({score.seeds})" for score in scores if score.seed_sd is not None
    ]
    return Content.styled(f"sd over seeds: {', '.join(told)}", "$text-muted") if told else Content("")


def _differences(pairs: Sequence[Pair], cells: int) -> Content:
    """For each pair the verdict as a sentence, and under it the interval that it rests on."""
    found = [
        end for pair in pairs if pair.difference is not None for end in (pair.difference, *(_interval(pair) or ()))
    ]
    floors = [end for pair in pairs if pair.floor is not None for end in (-pair.floor, pair.floor)]
    axis = Axis.around([0.0, *(100 * end for end in [*found, *floors])], max(LEAST, cells))
    legend = ("  ┊ zero  · noise floor" if floors else "  ┊ zero") if found else ""
    rows = [Content.assemble(("Differences, Holm's intervals", "bold"), (legend, "$text-muted"))] if pairs else []
    common = _common(pairs)
    for pair in pairs:
        rows.append(_verdict(pair, common, bool(floors)))
        if pair.difference is not None:
            rows.append(_difference(pair, axis))
    return lines(*rows, _axis(axis, INDENT) if found else Content(""))


def _difference(pair: Pair, axis: Axis) -> Content:
    marks = {0.0: "┊"} if pair.floor is None else {-100 * pair.floor: "·", 0.0: "┊", 100 * pair.floor: "·"}
    drawn = whisker(axis, 100 * (pair.difference or 0.0), _hundred(_interval(pair)), marks)
    return _line(" " * INDENT, drawn, f"{100 * (pair.difference or 0.0):+6.2f}", _interval(pair), "+.2f")


def _common(pairs: Sequence[Pair]) -> set[str]:
    """What is to be said of every pair, and so once."""
    return set.intersection(*(set(pair.notes) for pair in pairs)) if len(pairs) > 1 else set()


def _verdict(pair: Pair, common: set[str], floors: bool) -> Content:
    """Who is better, in words, then what says so."""
    glyph, style = MARKS[pair.verdict]
    first, second = safe(pair.first), safe(pair.second)
    unsure = pair.verdict == CANNOT_TELL
    told = f"cannot tell {first} from {second}" if unsure else f"{first} is {pair.verdict} than {second}"
    why = [] if pair.p_holm is None else [f"p {_p(pair.p_holm)} (Holm)"]
    if pair.margin is not None:
        why.append(f"needed {100 * pair.margin:.2f}")
    if pair.detectable is not None and unsure:
        why.append(f"findable {100 * pair.detectable:.2f}")
    if pair.floor is not None:
        why.append(f"noise floor {100 * pair.floor:.2f}")
    elif floors:
        why.append("noise floor not known")
    if pair.lone and not unsure:
        why.append("holds for these encoders, not for what made them")
    notes = "; ".join([*why, *(safe(note, 200) for note in pair.notes if note not in common)])
    return Content.assemble((f"{glyph} {told}", style), (f"  {notes}", "$text-muted"))


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def _interval(pair: Pair) -> Interval | None:
    return pair.corrected or pair.interval


def _line(name: str, drawn: str, value: str, interval: Interval | None, form: str = ".2f") -> Content:
    between = " to ".join(format(100 * end, form) for end in interval) if interval else ""
    return Content.assemble(name, (drawn, "$text-primary"), (f" {value}", "bold"), f"  {between}")


def _axis(axis: Axis, indent: int) -> Content:
    line, words = below(axis, max(2, axis.cells // COLUMNS_A_TICK))
    return Content.styled(f"{'':{indent}}{line}\n{'':{indent}}{words}".rstrip(), "$text-muted")


def _hundred(interval: Interval | None) -> Interval | None:
    return None if interval is None else (100 * interval[0], 100 * interval[1])


def _remarks(comparison: Comparison, task: Task) -> Content:
    """How the noise floor is known, or how to come to know it, and what the correction covers."""
    used = "; ".join(sorted({pair.floor_from for pair in task.pairs if pair.floor_from}))
    if comparison.calibration:
        floor = f"Noise floor: {safe(used or 'not measured for this task', 120)}. Calibrated with {safe(comparison.calibration, 200)}."
    else:
        instead = f" Used: {safe(used, 120)}." if used else ""
        floor = f"Noise floor: this machine is not calibrated.{instead} `{CALIBRATE}` measures how far seeds alone go."
    holm = ""
    if comparison.family:
        holm = f"Holm over {comparison.family} comparisons at {comparison.alpha:g}, averages before their parts."
    every = [f"All pairs: {note}." for note in sorted(_common(task.pairs))]
    told = (floor, *every, holm, *comparison.notes)
    return lines(*(Content.styled(safe(text, 400), "$text-muted") for text in told if text))
