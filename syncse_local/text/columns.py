"""Which column of a file is taken as what: by header names, or by the user's word; never by position.

Knows names only, no files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.toml import did_you_mean

# (sentence, positives, negatives): a positive or negative is taken only beside the sentence column of its own naming.
NAMINGS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("anchor", ("positive",), ("negative", "hard_negative", "hard_neg")),
    ("sent0", ("sent1",), ("hard_neg",)),
    ("premise", ("entailment",), ("contradiction",)),
    ("query", ("positive", "pos"), ("negative", "neg")),
    ("sentence", ("positive", "paraphrase"), ("negative", "hard_negative")),
    ("text", ("positive",), ("negative",)),
    ("sentence1", (), ()),
    ("question", (), ()),
    ("content", (), ()),
)
KNOWN = tuple(naming[0] for naming in NAMINGS)


@dataclass(frozen=True, slots=True)
class Mapping:
    """What was taken from a file: its format and the columns' own names; `sentence` is empty where lines are taken."""

    format: str
    sentence: str = ""
    positive: str | None = None
    negative: str | None = None
    columns: tuple[str, ...] = ()
    note: str = ""

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns that are not read."""
        return tuple(name for name in self.columns if name not in (self.sentence, self.positive, self.negative))

    def describe(self) -> str:
        """One line for a person."""
        if not self.sentence:
            return f"{self.format}: each line is a sentence{self.note}"
        parts = [f'sentence from "{self.sentence}"']
        parts += [f'positive from "{self.positive}"'] if self.positive else []
        parts += [f'negative from "{self.negative}"'] if self.negative else []
        ignored = f"; ignored: {', '.join(self.ignored)}" if self.ignored else ""
        return f"{self.format}: {', '.join(parts)}{ignored}{self.note}"


def knows(columns: Sequence[str]) -> bool:
    """Whether a column of these has a known name for the sentence."""
    return any(name.strip().lower() in KNOWN for name in columns)


def choose_columns(
    kind: str,
    columns: Sequence[str],
    where: str,
    column: str | None = None,
    positive: str | None = None,
    negative: str | None = None,
) -> Mapping:
    """The mapping for a header: the user's column, else the first known naming. Raises SyncseError where none fits."""
    if column:
        sentence = _exact(columns, column, where)
        naming = next((n for n in NAMINGS if n[0] == sentence.strip().lower()), ("", (), ()))
    else:
        naming = next((n for n in NAMINGS if _find(columns, n[0], where)), ("", (), ()))
        sentence = _find(columns, naming[0], where) or ""
    if not sentence:
        raise SyncseError(
            "No usable column",
            f"{where} has the columns {', '.join(repr(name) for name in columns[:20])}, and none is a known name.",
            f"Name the column with --column, or call it one of {', '.join(KNOWN)}; a file of one sentence per line "
            "without a header should end in .txt.",
            ExitCode.USAGE,
        )
    return Mapping(
        kind,
        sentence,
        _exact(columns, positive, where) if positive else _first(columns, naming[1], where),
        _exact(columns, negative, where) if negative else _first(columns, naming[2], where),
        tuple(columns),
    )


def _first(columns: Sequence[str], names: Sequence[str], where: str) -> str | None:
    return next((found for name in names if (found := _find(columns, name, where))), None)


def _find(columns: Sequence[str], name: str, where: str) -> str | None:
    """The column of that name in any case. Raises SyncseError where two have it."""
    found = [column for column in columns if column.strip().lower() == name]
    if len(found) > 1:
        raise SyncseError(
            "Ambiguous columns",
            f"{where} has {len(found)} columns named {name}: {', '.join(repr(c) for c in found)}.",
            "Rename one, or name the other one with --column.",
            ExitCode.USAGE,
        )
    return found[0] if found else None


def _exact(columns: Sequence[str], name: str, where: str) -> str:
    if columns.count(name) == 1:
        return name
    found = _find(columns, name.strip().lower(), where)
    if not found:
        raise SyncseError(
            "No such column",
            f'{where} has no column "{name}".',
            did_you_mean(name, columns, f"Its columns: {', '.join(columns[:20])}."),
            ExitCode.USAGE,
        )
    return found
