"""Read STS task files: SentEval's layout and the starter set. Pure Python; knows nothing of encoders or metrics."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.lines import bad_file, parse_score, read_lines, sentence_pair, split_columns
from syncse_local.evaluation.tasks import Task, resolve
from syncse_local.paths import starter_sts
from syncse_local.records import ScoredPair


@dataclass(slots=True)
class TaskData:
    """The scored pairs of one task.

    `subsets` keeps the order of the task table (one entry named after the task when there are no subsets); `skipped`
    counts rows without a gold score; `missing_subsets` names the subsets whose files are not there; `notes` says what
    a reader of the figures must know (counts that differ from the official ones, ignored columns, what is missing);
    `complete` says that all subsets and exactly the official number of pairs are there.
    """

    name: str
    subsets: dict[str, list[ScoredPair]]
    skipped: int = 0
    missing_subsets: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    complete: bool = True

    @property
    def pairs(self) -> int:
        """Scored pairs over all subsets."""
        return sum(len(rows) for rows in self.subsets.values())


@dataclass(frozen=True, slots=True)
class Missing:
    """A task that could not be read because its files are not there."""

    task: str
    looked_for: str


Reader = Callable[[Task, Path], "TaskData | Missing"]


def read_tasks(
    names: Iterable[str], senteval: Path | None, starter: Path | None = None
) -> tuple[list[TaskData], list[Missing]]:
    """Read the named tasks; those without files come back as `Missing`, in the order asked.

    `senteval` is SentEval's root, its `data` directory or its `downstream` directory; `starter` is the starter set's
    pairs.tsv (default: the bundled one). Raises SyncseError for an unknown task, a `senteval` that is no
    directory, or a faulty file.
    """
    downstream = find_downstream(senteval) if senteval else None
    starter = starter or starter_sts()
    found: list[TaskData] = []
    missing: list[Missing] = []
    for task in resolve(names):
        if task.source == "starter":
            read = read_task(task, starter if task.name == "starter" else starter.with_name(Path(task.path).name))
        elif downstream:
            read = read_task(task, downstream / task.path)
        else:
            read = Missing(task.name, f"{task.path} (no SentEval directory was given)")
        if isinstance(read, Missing):
            missing.append(read)
        else:
            found.append(read)
    return found, missing


def find_downstream(directory: Path) -> Path:
    """SentEval's `downstream` directory, given itself or one of the directories above it."""
    if not directory.is_dir():
        raise SyncseError(
            "No SentEval directory",
            f"{directory} is not a directory.",
            "Give SentEval's root or its downstream directory (the one that holds STS and SICK).",
            code=ExitCode.USAGE,
        )
    for candidate in (directory / "downstream", directory / "data" / "downstream"):
        if candidate.is_dir():
            return candidate
    return directory


def read_task(task: Task, path: Path) -> TaskData | Missing:
    """Read one task with the reader its entry names, and note where its count differs from the official one."""
    module, _, function = task.reader.partition(":")
    reader: Reader = getattr(import_module(module), function)
    data = reader(task, path)
    if isinstance(data, TaskData) and data.pairs != task.official_pairs:
        data.complete = False
        data.notes.append(f"{data.pairs} scored pairs where the published set has {task.official_pairs}")
    return data


def read_sts_year(task: Task, path: Path) -> TaskData | Missing:
    """A SemEval year: STS.input.<subset>.txt beside STS.gs.<subset>.txt; a blank gold line skips its pair.

    Only the subsets of the task table are read, so STS.gs.ALL.txt and 2013's orphaned STS.gs.SMT.txt play no part.
    """
    data = TaskData(task.name, {})
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


def _year_subset(data: TaskData, inputs: Path, gold: Path) -> list[ScoredPair]:
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


def read_stsb(task: Task, path: Path) -> TaskData | Missing:
    """The STS benchmark's sts-{train,dev,test}.csv: genre, file, year, index, score, sentence, sentence; no header.

    Tab-separated and unquoted despite the name: a double quote is part of a sentence.
    """
    if not path.is_file():
        return Missing(task.name, str(path))
    return _table(task, path, read_lines(path), first_line=1, score=4, sentences=(5, 6), width=7)


def read_sick(task: Task, path: Path) -> TaskData | Missing:
    """SICK_{train,trial,test_annotated}.txt, its columns found by the header's names; scores are 1 to 5."""
    return _with_header(task, path, "relatedness_score", ("sentence_A", "sentence_B"))


def read_starter(task: Task, path: Path) -> TaskData | Missing:
    """The bundled starter set: a header with `score`, `sentence1` and `sentence2`."""
    return _with_header(task, path, "score", ("sentence1", "sentence2"))


def _with_header(task: Task, path: Path, score: str, sentences: tuple[str, str]) -> TaskData | Missing:
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
) -> TaskData:
    data = TaskData(task.name, {task.name: []})
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


def _note_extra(data: TaskData, path: Path, rows: int) -> None:
    if rows:
        data.notes.append(f"{path.name}: {rows} rows have extra columns, which were ignored")
