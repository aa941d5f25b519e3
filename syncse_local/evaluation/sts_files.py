"""STS files: SentEval's layout, SemEval's own releases of the same sets, SICK, MTEB's copies, the starter set.

Knows each layout's names and columns; knows no score. Every reader takes (task, path) and names the files it read.
"""

from collections.abc import Sequence
from pathlib import Path

from syncse_local.evaluation.base import Missing
from syncse_local.evaluation.lines import bad_file, parse_score, read_lines, sentence_pair, split_columns
from syncse_local.evaluation.rows import column, part_files, read_rows, text
from syncse_local.evaluation.sts import StsData
from syncse_local.evaluation.tasks import Task
from syncse_local.records import ScoredPair

PREFIXES = ("STS.", "STS2016.")  # SentEval renames 2016's files
SPLITS = {"test": ("test",), "dev": ("validation", "dev")}


def read_sts_year(task: Task, path: Path) -> StsData | Missing:
    """A SemEval year: STS.input.<subset>.txt beside STS.gs.<subset>.txt; a blank gold line skips its pair.

    Only the subsets of the task table are read, so STS.gs.ALL.txt and 2013's orphaned STS.gs.SMT.txt play no part.
    """
    data = StsData(name=task.name, subsets={})
    for subset in task.subsets:
        inputs, gold = _year_files(path, subset)
        absent = [file for file in (inputs, gold) if not file.is_file()]
        if absent:
            data.missing_subsets.append(subset)
            data.notes.append(f"subset {subset} is missing: looked for {', '.join(map(str, absent))}")
            continue
        data.subsets[subset] = _year_subset(data, inputs, gold)
    if data.subsets:
        return data
    return Missing(task.name, str(path / f"STS.input.{task.subsets[0]}.txt") if path.is_dir() else str(path))


def _year_files(path: Path, subset: str) -> tuple[Path, Path]:
    for prefix in PREFIXES:
        if (inputs := path / f"{prefix}input.{subset}.txt").is_file():
            return inputs, path / f"{prefix}gs.{subset}.txt"
    return path / f"STS.input.{subset}.txt", path / f"STS.gs.{subset}.txt"


def _year_subset(data: StsData, inputs: Path, gold: Path) -> list[ScoredPair]:
    data.files += [inputs, gold]
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
    """SICK_{train,trial,test_annotated}.txt, its columns found by the header's names; scores are 1 to 5.

    SICK.txt, the whole set, has a column SemEval_set that says which rows are the task's.
    """
    part = {"test": "TEST", "dev": "TRIAL"}[task.split]
    return _with_header(task, path, "relatedness_score", ("sentence_A", "sentence_B"), ("SemEval_set", part))


def read_mteb(task: Task, path: Path) -> StsData | Missing:
    """MTEB's copy, as a directory of the Hub: JSONL or Parquet rows with `sentence1`, `sentence2` and `score`."""
    files = part_files(path, SPLITS[task.split]) or part_files(path / "data", SPLITS[task.split])
    if not files:
        return Missing(task.name, str(path))
    data = StsData(name=task.name, subsets={task.name: []}, files=files)
    for file in files:
        for line, row in read_rows(file):
            gold = column(file, line, row, "score")
            value = parse_score(file, line, "" if gold is None else str(gold))
            if value is None:
                data.skipped += 1
                continue
            sides = [text(file, line, row, name) for name in ("sentence1", "sentence2")]
            data.subsets[task.name].append(ScoredPair(*sentence_pair(file, line, sides, 0, 1), value))
    return data


def read_starter(task: Task, path: Path) -> StsData | Missing:
    """The bundled starter set: a header with `score`, `sentence1` and `sentence2`."""
    return _with_header(task, path, "score", ("sentence1", "sentence2"))


def _with_header(
    task: Task, path: Path, score: str, sentences: tuple[str, str], only: tuple[str, str] = ("", "")
) -> StsData | Missing:
    """`only` is a column that the header may have, and the value that the task's rows have there."""
    if not path.is_file():
        return Missing(task.name, str(path))
    lines = read_lines(path)
    header = [name.strip() for name in lines[0].split("\t")] if lines else []
    absent = [name for name in (score, *sentences) if name not in header]
    if absent:
        raise bad_file(path, 1, f"the header has no column {', '.join(absent)}")
    at = header.index(sentences[0]), header.index(sentences[1])
    if only[0] in header:
        where = header.index(only[0])
        lines = [line if number == 0 or _cell(line, where) == only[1] else "" for number, line in enumerate(lines)]
    return _table(task, path, lines[1:], 2, header.index(score), at, len(header))


def _cell(line: str, column: int) -> str:
    cells = line.split("\t")
    return cells[column].strip() if column < len(cells) else ""


def _table(
    task: Task, path: Path, lines: Sequence[str], first_line: int, score: int, sentences: tuple[int, int], width: int
) -> StsData:
    data = StsData(name=task.name, subsets={task.name: []}, files=[path])
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
