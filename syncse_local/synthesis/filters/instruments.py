"""What filters measure with, by name, and the stored values: an encoder's cosines and a judge's scores.

A name says which model it is (by its content) and which question was asked. Loads no model.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from syncse_local.modelfiles.hashing import encoder_sha256, model_sha256
from syncse_local.store import measurements
from syncse_local.synthesis.filters.contamination import HighestCosine
from syncse_local.synthesis.filters.cosine import Measured
from syncse_local.synthesis.filters.judge import PROMPT
from syncse_local.synthesis.filters.settings import Contamination, Cosine, FilterSettings, Judge
from syncse_local.synthesis.filters.verdict import Candidate
from syncse_local.text.toml import content_hash


def _nothing(_sentence: str, _output: str) -> float | None:
    return None


def _unknown(_text: str) -> float | None:
    return None


@dataclass(frozen=True, slots=True)
class Instruments:
    """The measured values that filters look up."""

    cosine: Measured = _nothing
    judge: Measured = _nothing
    contamination: HighestCosine = _unknown


def cosine_name(connection: sqlite3.Connection, settings: Cosine) -> str:
    """The encoder as an instrument. Raises SyncseError (PREFLIGHT) where its files cannot be read."""
    return f"cosine:{encoder_sha256(connection, Path(settings.encoder))[:24]}"


def judge_name(connection: sqlite3.Connection, settings: Judge) -> str:
    """The judge as an instrument: model, engine and question. Raises SyncseError (PREFLIGHT)."""
    path = Path(settings.model)
    model = model_sha256(connection, path) if path.exists() else settings.model
    return f"judge:{content_hash([settings.backend, model, PROMPT])[:24]}"


def contamination_name(connection: sqlite3.Connection, settings: Contamination, digest: str) -> str:
    """The encoder with the evaluation sentences of this digest as an instrument. Raises SyncseError (PREFLIGHT)."""
    return f"nearest:{encoder_sha256(connection, Path(settings.encoder))[:24]}:{digest}"


def text_key(text: str) -> bytes:
    """The key of a measurement of one text alone."""
    return measurements.pair_key(text, "")


def stored(connection: sqlite3.Connection, settings: FilterSettings, digest: str = "") -> Instruments:
    """Instruments that read what was measured; those that the settings leave off know nothing.

    `digest` names the evaluation sentences that texts are compared with.
    """

    def reader(name: str) -> Measured:
        return lambda sentence, output: measurements.value(connection, name, measurements.pair_key(sentence, output))

    def highest_cosine(name: str) -> HighestCosine:
        return lambda text: measurements.value(connection, name, text_key(text))

    near = settings.contamination
    return Instruments(
        reader(cosine_name(connection, settings.cosine)) if settings.cosine.encoder else _nothing,
        reader(judge_name(connection, settings.judge)) if settings.judge.model else _nothing,
        highest_cosine(contamination_name(connection, near, digest)) if near.encoder else _unknown,
    )


def unasked(connection: sqlite3.Connection, name: str, rows: Iterable[Candidate]) -> Iterator[tuple[str, str]]:
    """The (sentence, output) pairs of the rows that the instrument was not asked about, each once."""
    seen: set[bytes] = set()
    for row in rows:
        for output in (row.positive, row.negative):
            key = measurements.pair_key(row.sentence, output)
            if key not in seen and not measurements.known(connection, name, key):
                seen.add(key)
                yield row.sentence, output


def unasked_texts(connection: sqlite3.Connection, name: str, rows: Iterable[Candidate]) -> Iterator[str]:
    """The texts of the rows that the instrument was not asked about, each once."""
    texts = dict.fromkeys(text for row in rows for text in (row.sentence, row.positive, row.negative))
    return (text for text in texts if not measurements.known(connection, name, text_key(text)))


def lacking(connection: sqlite3.Connection, settings: FilterSettings, rows: list[Candidate], digest: str = "") -> bool:
    """Whether a filter that is on needs something that was not measured yet."""
    names = [cosine_name(connection, settings.cosine)] if settings.cosine.encoder else []
    names += [judge_name(connection, settings.judge)] if settings.judge.model else []
    if settings.contamination.encoder:
        name = contamination_name(connection, settings.contamination, digest)
        if next(unasked_texts(connection, name, rows), None) is not None:
            return True
    return any(next(unasked(connection, name, rows), None) for name in names)
