"""What a front end may ask and say of a run's triplets: pages, details, reviews, filters. A part of `Workspace`.

Reads and writes rows through the store; computes nothing itself and knows no process.
"""

import getpass
import sqlite3
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from syncse_local.config import Settings
from syncse_local.paths import user_number
from syncse_local.store import filtering, ledger, review, runs, triplet_index
from syncse_local.store.runs import Run
from syncse_local.store.triplet_index import Outline, TripletQuery
from syncse_local.text.clean import storable

if TYPE_CHECKING:
    from syncse_local.synthesis.contamination import Gate
    from syncse_local.synthesis.filters.settings import FilterSettings


class Triplets:
    """The triplets of an open workspace."""

    connection: sqlite3.Connection
    settings: Settings

    def run(self, run_id: str) -> Run:
        """One run by id or the beginning of it. Raises SyncseError (USAGE)."""
        return runs.get(self.connection, run_id)

    # -- reading -------------------------------------------------------------------------------------------------------

    def triplets(
        self, run_ids: list[str], accepted_only: bool = True, filtered: bool = True
    ) -> Iterator[dict[str, Any]]:
        """Triplet rows of generate runs, streamed in plan order; `filtered` by each run's latest filters, if any."""
        found = [self.run(name).id for name in run_ids]
        return ledger.triplets(self.connection, found, accepted_only, filtered and accepted_only)

    def triplet_page(
        self, query: TripletQuery, start: int = 0, limit: int = triplet_index.PAGE, known: Outline | None = None
    ) -> list[dict[str, Any]]:
        """Triplets at places `start` to `start + limit` of a query; as of the last `refresh_triplets`.

        With the query's outline as of that same refresh every place is found soon; without it SQLite walks there.
        """
        return triplet_index.page(self.connection, query, start, limit, known)

    def triplet_outline(self, query: TripletQuery) -> Outline:
        """How many triplets a query finds, and where to begin reading for any place among them."""
        return triplet_index.outline(self.connection, query)

    def triplet_count(self, query: TripletQuery) -> int:
        """How many triplets a query finds."""
        return triplet_index.count(self.connection, query)

    def triplet_place(self, query: TripletQuery, ordinal: int) -> int:
        """How many triplets of the query's result come before the one with this number."""
        return triplet_index.place(self.connection, query, ordinal)

    def triplet(self, run_id: str, ordinal: int) -> dict[str, Any]:
        """All about one triplet: raw answers, prompts with exemplars, what parser, filters and persons said.

        Raises SyncseError (USAGE) where the run has none of this number.
        """
        from syncse_local.synthesis.provenance import provenance

        run = self.run(run_id)
        return provenance(self.connection, run.id, ordinal, run.options)

    def triplet_prompts(self, run_id: str) -> list[tuple[str, int]]:
        """(prompt of the positive, triplets) of a run."""
        return triplet_index.prompts(self.connection, self.run(run_id).id)

    def triplets_behind(self, run_id: str) -> int:
        """How many decisions the next `refresh_triplets` has to look at: some 5,000 take a second."""
        from syncse_local.synthesis import index_triplets

        return index_triplets.behind(self.connection, self.run(run_id).id)

    def triplets_mark(self, run_id: str) -> tuple[int, ...]:
        """Something that changes whenever `refresh_triplets` has changed what the pages of a run show."""
        return tuple(triplet_index.mark(self.connection, run_id))

    def triplet_reasons(self, run_id: str) -> list[tuple[str, str, int]]:
        """(state, reason, triplets) of a run, frequent first."""
        return triplet_index.reasons(self.connection, self.run(run_id).id)

    def refresh_triplets(self, run_id: str) -> int:
        """Take up what a run has answered, or its filters have said, since the last call; returns how many changed."""
        from syncse_local.synthesis import index_triplets

        return index_triplets.refresh(self.connection, self.run(run_id).id)

    def latest_triplets(self, run_id: str, limit: int = 3) -> list[dict[str, Any]]:
        """The triplets of a generate run that were completed last, newest first."""
        from syncse_local.store.newest_triplets import triplets

        return triplets(self.connection, run_id, limit)

    def reviews(self, run_id: str) -> list[dict[str, Any]]:
        """The standing decisions of persons on a run's triplets, in plan order."""
        return review.listed(self.connection, self.run(run_id).id)

    def agreement(self, run_id: str) -> list[dict[str, Any]]:
        """How far persons agree with each other and with judges on a run's triplets."""
        from syncse_local.synthesis.agreement import agreement

        return agreement(self.connection, self.run(run_id).id)

    # -- what persons say -------------------------------------------------------------------------------------------------

    def review(
        self,
        run_id: str,
        ordinal: int,
        action: str,
        positive: str = "",
        negative: str = "",
        note: str = "",
        author: str = "",
    ) -> str:
        """Store a person's accept, reject or edit of the triplet at a place of a run's plan; returns its key."""
        triplet = review.requests_of(self.connection, self.run(run_id).id, ordinal)
        return review.add(self.connection, triplet, action, author or self._author, positive, negative, note)

    def undo_review(self, run_id: str, ordinal: int, author: str = "") -> dict[str, Any]:
        """Take back the author's last decision on a triplet, and return it. Raises SyncseError (NOTHING)."""
        triplet = review.requests_of(self.connection, self.run(run_id).id, ordinal)
        return review.undo(self.connection, triplet, author or self._author)

    @property
    def _author(self) -> str:
        if self.settings.author:
            return storable(self.settings.author)
        try:
            return storable(getpass.getuser())
        except (KeyError, OSError):  # a user number without a name
            return f"user {user_number()}"

    # -- filters ----------------------------------------------------------------------------------------------------------

    def filters(self, run_id: str) -> dict[str, Any] | None:
        """What a run's latest filters judged, dropped and keep; None where it was not filtered."""
        return filtering.summary(self.connection, self.run(run_id).id)

    def lacks_measurements(self, run_id: str, wanted: "FilterSettings") -> bool:
        """Whether these filters need cosines or scores that a run of kind `filter` has to measure first."""
        from syncse_local.synthesis.filters import apply, instruments

        rows = apply.candidates(self.connection, [self.run(run_id).id])
        digest = self._gate().digest if wanted.contamination.encoder else ""
        return instruments.lacking(self.connection, wanted, rows, digest)

    def apply_filters(
        self, run_id: str, wanted: "FilterSettings", against: Sequence[str] = (), dry_run: bool = False
    ) -> dict[str, Any]:
        """Judge a run's accepted triplets anew and say what that changes. Raises SyncseError (NOTHING) where there are none."""
        from syncse_local.synthesis.filters import apply, instruments

        run, others = self.run(run_id), [self.run(name).id for name in against]
        gate = self._gate()
        digest = gate.digest if wanted.contamination.encoder else ""
        measured = instruments.stored(self.connection, wanted, digest)
        report = apply.apply(self.connection, run.id, wanted, measured, gate, others, dry_run)
        return {**report.to_dict(), "evaluation_sets": gate.checked, "unread_sets": gate.unread}

    def _gate(self) -> "Gate":
        """The evaluation sentences of the directories that the settings name."""
        from syncse_local.synthesis.contamination import Gate

        return Gate.of(self.settings)
