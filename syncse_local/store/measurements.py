"""What an instrument (an encoder, a judge) said of two texts, found again by the texts themselves. Knows neither."""

import hashlib
import sqlite3
from collections.abc import Iterable

from syncse_local.store.database import writing


def pair_key(first: str, second: str) -> bytes:
    """16 bytes that name two texts in this order."""
    text = f"{first}\x1f{second}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()


def store(connection: sqlite3.Connection, instrument: str, values: Iterable[tuple[bytes, float | None]]) -> None:
    """Store values; None says that the instrument could not tell, and need not be asked again."""
    with writing(connection):
        connection.executemany(
            "INSERT OR REPLACE INTO measurement VALUES (?, ?, ?)", ((instrument, key, value) for key, value in values)
        )


def instruments(connection: sqlite3.Connection, beginning: str) -> list[str]:
    """The instruments whose names begin so, in order."""
    query = "SELECT DISTINCT instrument FROM measurement WHERE substr(instrument, 1, ?) = ? ORDER BY instrument"
    return [row[0] for row in connection.execute(query, (len(beginning), beginning))]


def known(connection: sqlite3.Connection, instrument: str, key: bytes) -> bool:
    """Whether the instrument has been asked."""
    return _row(connection, instrument, key) is not None


def value(connection: sqlite3.Connection, instrument: str, key: bytes) -> float | None:
    """The value, or None where the instrument was not asked or could not tell."""
    row = _row(connection, instrument, key)
    return None if row is None else row[0]


def _row(connection: sqlite3.Connection, instrument: str, key: bytes) -> sqlite3.Row | None:
    query = "SELECT value FROM measurement WHERE instrument = ? AND key = ?"
    row: sqlite3.Row | None = connection.execute(query, (instrument, key)).fetchone()
    return row
