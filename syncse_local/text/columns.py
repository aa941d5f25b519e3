"""Which column of a file is taken as what: by header names, or by the user's word; never by position.

Knows names only, no files.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.toml import did_you_mean

_POSITIVES = ("positive", "pos", "positives")
_NEGATIVES = ("negative", "hard_negative", "hard_neg", "neg", "negatives", "hard_negatives")
# (sentence, positives, negatives): a positive or negative is taken only beside the sentence column of its own naming. Those
# of search are FlagEmbedding's, sentence-transformers', Tevatron's and DPR's.
NAMINGS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("anchor", _POSITIVES, _NEGATIVES),
    ("sent0", ("sent1",), ("hard_neg",)),
    ("premise", ("entailment",), ("contradiction",)),
    ("query", (*_POSITIVES, "answer", "positive_passages"), (*_NEGATIVES, "negative_passages")),
    ("sentence", (*_POSITIVES, "paraphrase"), _NEGATIVES),
    ("text", _POSITIVES, _NEGATIVES),
    ("sentence1", (), ()),
    ("question", (*_POSITIVES, "answer", "positive_ctxs"), (*_NEGATIVES, "hard_negative_ctxs", "negative_ctxs")),
    ("content", (), ()),
)
KNOWN = tuple(naming[0] for naming in NAMINGS)
UNNAMED = "(no name)"
"""What a column is called whose name is empty, as pandas' and R's row numbers."""
SHOWN = 20
"""Names of columns in an error: more would push its end off the screen."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """What was taken from a file: its format and the columns' own names; `sentence` is empty where lines are taken."""

    format: str
    sentence: str = ""
    positive: str | None = None
    negative: str | None = None
    columns: tuple[str, ...] = ()
    note: str = ""
    encoding: str = ""
    """The encoding where it was recognised, and is not UTF-8."""

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
        ignored = f"; ignored: {', '.join(name or UNNAMED for name in self.ignored)}" if self.ignored else ""
        return f"{self.format}: {', '.join(parts)}{ignored}{self.note}"


def plain(name: str) -> str:
    """A column's name as people mean it: without a byte order mark, and spaces around it."""
    return name.strip().lstrip("\ufeff").strip()


def _key(name: str) -> str:
    return plain(name).lower().replace(" ", "_").replace("-", "_")


def knows(columns: Iterable[str]) -> bool:
    """Whether a column of these has a known name for the sentence."""
    return any(_key(name) in KNOWN for name in columns)


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
        naming = next((n for n in NAMINGS if n[0] == _key(sentence)), NAMINGS[0])
    else:
        naming = next((n for n in NAMINGS if _find(columns, n[0], where)), ("", (), ()))
        sentence = _find(columns, naming[0], where) or ""
    if not sentence:
        raise SyncseError(
            "No usable column",
            f"{where} has the columns {', '.join(map(repr, columns[:SHOWN]))}, and none is a known name.",
            f"Name the column with --column, or call it one of {', '.join(KNOWN)}; where the first line is no header add "
            "--header no and --column NUMBER; a file of one sentence per line should end in .txt.",
            ExitCode.USAGE,
        )
    return Mapping(
        kind,
        sentence,
        _exact(columns, positive, where) if positive else _first(columns, naming[1], where),
        _exact(columns, negative, where) if negative else _first(columns, naming[2], where),
        tuple(columns),
    )


def check_complete(mapping: Mapping, where: str) -> None:
    """Raise SyncseError (USAGE) unless there is a column for the positive and one for the hard negative."""
    for role, found in (("positive", mapping.positive), ("negative", mapping.negative)):
        if not found:
            names = ", ".join(map(repr, mapping.columns[:SHOWN]))
            taken = f'{where} has the columns {names}; sentences are in "{mapping.sentence}"'
            raise SyncseError(
                f"No column of {'hard negatives' if role == 'negative' else 'positives'}",
                f"{taken if names else f'In {where} each line is a sentence'}, and none is a known name for a {role}.",
                f"Name it with --{role} COLUMN, or train on the sentences alone with --unsupervised.",
                ExitCode.USAGE,
            )


def _first(columns: Sequence[str], names: Sequence[str], where: str) -> str | None:
    """The column of the first of these names, or of its lowest number: `negative_1` where there is no `negative`."""
    for name in names:
        if found := _find(columns, name, where):
            return found
        numbered = [(int(m[1]), c) for c in columns if (m := re.fullmatch(rf"{name}_?(\d{{1,4}})", _key(c)))]
        if numbered:
            return min(numbered)[1]
    return None


def _find(columns: Sequence[str], name: str, where: str) -> str | None:
    """The column of that name in any case. Raises SyncseError where two have it."""
    found = [column for column in columns if _key(column) == name]
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
    found = _find(columns, _key(name), where)
    if not found:
        raise SyncseError(
            "No such column",
            f'{where} has no column "{name}".',
            did_you_mean(name, columns, f"Its columns: {', '.join(columns[:SHOWN])}."),
            ExitCode.USAGE,
        )
    return found
