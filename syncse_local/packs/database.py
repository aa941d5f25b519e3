"""A workspace's database as it may leave: rows that are chosen are copied into a new file, so nothing else can be in it.

Texts: `none` copies results, `triplets` also the accepted triplets, `all` everything. Knows tables; knows no pack.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

from syncse_local.store.database import connect
from syncse_local.store.merging.source import attached, open_target

Texts = Literal["none", "triplets", "all"]
CHOICES: tuple[Texts, ...] = ("none", "triplets", "all")
SAMPLES = 3
"""Triplets that are shown before they leave: enough to see whose they are."""
EVENTS = ("state", "isolation", "refused_by_kernel", "training_setup", "scored", "refused")
"""Events that hold numbers and names; the others may quote a text."""
STAY = ("seal",)
"""Columns of a run that say whose it is on this machine: nobody else's business, and worth nothing there."""
RESULTS = ("metric", "prediction", "noise_floor")
"""Tables of numbers, copied whole."""
_ACCEPTED = """
CREATE TEMP TABLE leaving AS
SELECT p.run_id, p.ordinal, p.sentence_id, p.sample, p.request_id AS positive, n.request_id AS negative
FROM source.plan AS p
JOIN source.plan AS n ON n.run_id = p.run_id AND n.sentence_id = p.sentence_id AND n.sample = p.sample AND n.role = 'negative'
WHERE p.role = 'positive' AND EXISTS (
    SELECT 1 FROM source.triplet AS t WHERE t.run_id = p.run_id AND t.ordinal = p.ordinal AND t.sample = p.sample AND t.accepted
)
"""
_TRIPLETS = (
    "INSERT INTO sentence SELECT * FROM source.sentence WHERE id IN (SELECT sentence_id FROM leaving)",
    "INSERT INTO request SELECT * FROM source.request WHERE id IN "
    "(SELECT positive FROM leaving UNION SELECT negative FROM leaving)",
    "INSERT INTO plan SELECT p.* FROM source.plan AS p JOIN leaving AS l ON p.run_id = l.run_id "
    "AND p.sentence_id = l.sentence_id AND p.sample = l.sample AND p.request_id IN (l.positive, l.negative)",
    "INSERT INTO parse SELECT a.request_id, a.version, a.position, a.text, a.failure FROM source.parse AS a "
    "WHERE a.position = 0 AND a.request_id IN (SELECT id FROM request) AND a.version = "
    "(SELECT max(b.version) FROM source.parse AS b WHERE b.request_id = a.request_id)",
    "INSERT INTO decision SELECT id, request_id, source, verdict, '', '', created FROM source.decision AS a "
    "WHERE request_id IN (SELECT id FROM request) AND id = "
    "(SELECT max(id) FROM source.decision AS b WHERE b.request_id = a.request_id)",
)
"""Each text of an accepted triplet with its prompt and its last decision; no other answer, no author, no note."""


def write(source: Path, target: Path, texts: Texts) -> dict[str, int]:
    """Write what may leave of the database at `source` to a new one; returns how many rows of each table.

    Raises SyncseError (PREFLIGHT) where the source is no workspace's database.
    """
    connect(target).close()
    with closing(open_target(target)) as connection, attached(connection, source):
        if texts == "all":
            with closing(sqlite3.connect(target)) as whole:
                _source_of(connection).backup(whole)
                for name in STAY:
                    if name in {row[1] for row in whole.execute("PRAGMA table_info(run)")}:
                        whole.execute(f"UPDATE run SET {name} = ''")
                whole.commit()
        else:
            connection.execute("BEGIN")
            _results(connection)
            if texts == "triplets":
                connection.execute(_ACCEPTED)
                for statement in _TRIPLETS:
                    connection.execute(statement)
            connection.execute("COMMIT")
    return _finished(target)


def _source_of(connection: sqlite3.Connection) -> sqlite3.Connection:
    place = next(row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "source")
    return sqlite3.connect(Path(place).resolve().as_uri() + "?mode=ro", uri=True)


def _results(connection: sqlite3.Connection) -> None:
    columns = [row[1] for row in connection.execute("PRAGMA source.table_info(run)")]
    own = {row[1] for row in connection.execute("PRAGMA main.table_info(run)")}
    shared = [name for name in columns if name in own and name not in STAY]
    rows = connection.execute(f"SELECT {', '.join(shared)} FROM source.run").fetchall()
    marks = ", ".join("?" * len(shared))
    for row in rows:
        data = dict(zip(shared, row, strict=True))
        for name in ("options", "progress", "result"):
            data[name] = json.dumps(plain(json.loads(data[name])))
        data["error"] = None
        connection.execute(f"INSERT INTO run ({', '.join(shared)}) VALUES ({marks})", [data[name] for name in shared])
    for row in connection.execute("SELECT * FROM source.score").fetchall():
        *values, detail = row
        scored = (*values, json.dumps(plain(json.loads(detail))))
        connection.execute("INSERT INTO score VALUES (?, ?, ?, ?, ?, ?, ?)", scored)
    for row in connection.execute("SELECT * FROM source.calibration").fetchall():
        connection.execute(f"INSERT INTO calibration VALUES ({', '.join('?' * len(row))})", tuple(row))
    for table in RESULTS:
        connection.execute(f"INSERT INTO {table} SELECT * FROM source.{table}")
    kinds = ", ".join("?" * len(EVENTS))
    connection.execute(
        f"INSERT INTO event SELECT id, run_id, time, kind, data FROM source.event WHERE kind IN ({kinds})", EVENTS
    )


def plain(value: Any) -> Any:
    """The value without texts: numbers and single words stay, what has a space or a line break in it is left out."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if len(str(name).split()) == 1}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return "" if isinstance(value, str) and len(value.split()) > 1 else value


def _finished(target: Path) -> dict[str, int]:
    """Fold the log into the file and count its rows."""
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
        tables = ("run", "score", "metric", "prediction", "sentence", "request", "response", "plan", "parse", "review")
        return {name: int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]) for name in tables}


def samples(database: Path) -> list[dict[str, str]]:
    """A few of the accepted triplets that stand in a database that may leave."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        query = "SELECT sentence, positive, negative FROM triplet WHERE accepted LIMIT ?"
        return [dict(row) for row in connection.execute(query, (SAMPLES,))]
