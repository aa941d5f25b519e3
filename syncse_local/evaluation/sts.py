"""STS: scored sentence pairs in SentEval's layout or the starter set's, and the correlation of their cosines."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.base import Missing, Pause, TaskData, TaskScore, Vectors
from syncse_local.evaluation.lines import bad_file, parse_score, read_lines, sentence_pair, split_columns
from syncse_local.evaluation.metrics import paired_cosine, pearson, spearman
from syncse_local.evaluation.tasks import DEV, Task
from syncse_local.records import ScoredPair

# Cosines closer than this differ by the rounding of single precision: a collapsed encoder, with ranks that are noise.
_ROUNDING = 1e-6


@dataclass(slots=True, kw_only=True)
class StsData(TaskData):
    """The scored pairs of one task.

    `subsets` keeps the order of the task table (one entry named after the task when there are no subsets); `skipped`
    counts rows without a gold score; `missing_subsets` names the subsets whose files are not there.
    """

    subsets: dict[str, list[ScoredPair]]
    missing_subsets: list[str] = field(default_factory=list)

    @property
    def items(self) -> int:
        """Scored pairs over all subsets."""
        return sum(len(rows) for rows in self.subsets.values())

    def pairs(self) -> list[ScoredPair]:
        """The pairs of all subsets, concatenated."""
        return [pair for rows in self.subsets.values() for pair in rows]

    def sentences(self) -> Iterator[str]:
        """Both sides of every pair."""
        for pair in self.pairs():
            yield pair.first
            yield pair.second

    def score(self, vectors: Vectors, pause: Pause) -> TaskScore:
        """Correlations over all pairs at once ("all" in SimCSE's terms), and by subset in the detail."""
        pairs = self.pairs()
        predicted = paired_cosine(vectors.of([p.first for p in pairs]), vectors.of([p.second for p in pairs]))
        gold = np.array([pair.gold for pair in pairs])
        figures = _correlate(gold, predicted)
        if figures["spearman"] is None:
            self.notes.append(f"undefined: {_why_undefined(gold)}")
        subsets: list[dict[str, Any]] = []
        start = 0
        for name, rows in self.subsets.items():
            part = slice(start, start + len(rows))
            subsets.append({"name": name, **_correlate(gold[part], predicted[part]), "pairs": len(rows)})
            start += len(rows)
        cosines = tuple(predicted.tolist())
        return self.scored(figures, predictions={"spearman": cosines}, detail={"subsets": subsets})


def scored_pairs(tasks: Iterable[TaskData]) -> list[ScoredPair]:
    """Every pair of the tasks, in order. Raises SyncseError for a task of another family, which has none."""
    found: list[ScoredPair] = []
    for task in tasks:
        if not isinstance(task, StsData):
            raise SyncseError(
                "Not an STS task", f"{task.name} has no scored pairs.", f"Use {', '.join(DEV)}.", ExitCode.USAGE
            )
        found += task.pairs()
    return found


def correlation(gold: NDArray[Any], predicted: NDArray[Any]) -> float | None:
    """Spearman's rho of (n,) gold scores and cosines; None where it is undefined, a collapsed encoder among that."""
    return _correlate(gold, predicted)["spearman"]


def _correlate(gold: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float | None]:
    if len(gold) < 2 or np.ptp(predicted) < _ROUNDING:
        return {"spearman": None, "pearson": None}
    return {"spearman": spearman(gold, predicted), "pearson": pearson(gold, predicted)}


def _why_undefined(gold: NDArray[Any]) -> str:
    if len(gold) < 2:
        return f"a correlation needs at least two scored pairs and there are {len(gold)}"
    if np.ptp(gold) == 0:
        return "all gold scores are equal"
    return "all predictions are equal, the encoder gives every sentence pair the same cosine"


def read_sts_year(task: Task, path: Path) -> StsData | Missing:
    """A SemEval year: STS.input.<subset>.txt beside STS.gs.<subset>.txt; a blank gold line skips its pair.

    Only the subsets of the task table are read, so STS.gs.ALL.txt and 2013's orphaned STS.gs.SMT.txt play no part.
    """
    data = StsData(name=task.name, subsets={})
    for subset in task.subsets:
        inputs, gold = path / f"STS.input.{subset}.txt", path / f"STS.gs.{subset}.txt"
        absent = [file for file in (inputs, gold) if not file.is_file()]
        if absent:
            data.missing_subsets.append(subset)
            data.notes.append(f"subset {subset} is missing: looked for {', '.join(map(str, absent))}")
            continue
        data.subsets[subset] = _year_subset(data, inputs, gold)
    if data.subsets:
        return data
    return Missing(task.name, str(path / f"STS.input.{task.subsets[0]}.txt") if path.is_dir() else str(path))


def _year_subset(data: StsData, inputs: Path, gold: Path) -> list[ScoredPair]:
    sentences, scores = read_lines(inputs), read_lines(gold)
    while sentences and not sentences[-1].strip():
        sentences.pop()
    # Surplus blank gold lines at the end belong to no pair; fewer gold lines than pairs would shift scores: refused.
    while len(scores) > len(sentences) and not scores[-1].strip():
        scores.pop()
    if len(sentences) != len(scores):
        raise bad_file(inputs, None, f"has {len(sentences)} pairs but {gold.name} has {len(scores)} gold lines")
    rows: list[ScoredPair] = []
    extra = 0
    for number, (line, score) in enumerate(zip(sentences, scores, strict=True), start=1):
        value = parse_score(gold, number, score)
        if value is None:
            data.skipped += 1
            continue
        columns = split_columns(inputs, number, line, 2)
        rows.append(ScoredPair(*sentence_pair(inputs, number, columns, 0, 1), value))
        extra += len(columns) > 2
    _note_extra(data, inputs, extra)
    return rows


def read_stsb(task: Task, path: Path) -> StsData | Missing:
    """The STS benchmark's sts-{train,dev,test}.csv: genre, file, year, index, score, sentence, sentence; no header.

    Tab-separated and unquoted despite the name: a double quote is part of a sentence.
    """
    if not path.is_file():
        return Missing(task.name, str(path))
    return _table(task, path, read_lines(path), first_line=1, score=4, sentences=(5, 6), width=7)


def read_sick(task: Task, path: Path) -> StsData | Missing:
    """SICK_{train,trial,test_annotated}.txt, its columns found by the header's names; scores are 1 to 5."""
    return _with_header(task, path, "relatedness_score", ("sentence_A", "sentence_B"))


def read_starter(task: Task, path: Path) -> StsData | Missing:
    """The bundled starter set: a header with `score`, `sentence1` and `sentence2`."""
    return _with_header(task, path, "score", ("sentence1", "sentence2"))


def _with_header(task: Task, path: Path, score: str, sentences: tuple[str, str]) -> StsData | Missing:
    if not path.is_file():
        return Missing(task.name, str(path))
    lines = read_lines(path)
    header = [name.strip() for name in lines[0].split("\t")] if lines else []
    absent = [name for name in (score, *sentences) if name not in header]
    if absent:
        raise bad_file(path, 1, f"the header has no column {', '.join(absent)}")
    at = header.index(sentences[0]), header.index(sentences[1])
    return _table(task, path, lines[1:], 2, header.index(score), at, len(header))


def _table(
    task: Task, path: Path, lines: Sequence[str], first_line: int, score: int, sentences: tuple[int, int], width: int
) -> StsData:
    data = StsData(name=task.name, subsets={task.name: []})
    extra = 0
    for number, line in enumerate(lines, start=first_line):
        if not line.strip():
            continue
        columns = split_columns(path, number, line, max(score, *sentences) + 1)
        value = parse_score(path, number, columns[score])
        if value is None:
            data.skipped += 1
            continue
        data.subsets[task.name].append(ScoredPair(*sentence_pair(path, number, columns, *sentences), value))
        extra += len(columns) > width
    _note_extra(data, path, extra)
    return data


def _note_extra(data: StsData, path: Path, rows: int) -> None:
    if rows:
        data.notes.append(f"{path.name}: {rows} rows have extra columns, which were ignored")
