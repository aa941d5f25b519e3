"""`merge`: everything of several workspaces' databases in one, each thing once. Interrupted, it is simply called again."""

import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from syncse_local.store.database import storage_error
from syncse_local.store.merging.filters import merge_filters, merge_measurements, merge_reviews
from syncse_local.store.merging.floors import merge_calibrations
from syncse_local.store.merging.ledger import merge_requests, merge_sentences
from syncse_local.store.merging.runs import begin_runs, end_runs
from syncse_local.store.merging.source import FILE, attached, open_target
from syncse_local.store.merging.tables import Merged

Tell = Callable[[str, int, int], None]
"""Called with a source, how many of its requests were looked at, and how many it has."""


def merge(target: Path, sources: Sequence[Path], tell: Tell, dry_run: bool = False) -> list[Merged]:
    """Take into the database `target` what those of `sources` have and it lacks; returns what each brought.

    The first answer to a request stays. `dry_run` merges into a copy that is thrown away. Sources are checked before
    anything is written. Raises SyncseError: PREFLIGHT for a source that cannot be read, USAGE for the target itself.
    """
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="syncse-merge-") as folder:
            return merge(_copy(target, Path(folder)), sources, tell)
    with closing(open_target(target)) as connection:
        try:
            for source in sources:
                with attached(connection, source):
                    pass
            return [_one(connection, source, tell) for source in dict.fromkeys(s.resolve() for s in sources)]
        except sqlite3.Error as error:
            raise storage_error(error, target) from error


def _copy(target: Path, folder: Path) -> Path:
    copy = folder / FILE
    if target.is_file():
        with closing(sqlite3.connect(target)) as reader, closing(sqlite3.connect(copy)) as writer:
            reader.backup(writer)
    return copy


def _one(connection: sqlite3.Connection, source: Path, tell: Tell) -> Merged:
    merged = Merged(str(source.parent))
    with attached(connection, source):
        merge_sentences(connection, merged)
        begin_runs(connection, merged)
        merge_requests(connection, merged, lambda done, total: tell(merged.source, done, total))
        merge_filters(connection, merged)
        merge_measurements(connection, merged)
        merge_reviews(connection, merged)
        merge_calibrations(connection, merged)
        end_runs(connection, merged)
        connection.execute("DELETE FROM card_mark")  # decisions are numbered anew: the index is gone through again
        connection.execute("DROP TABLE temp.run_map")
    return merged
