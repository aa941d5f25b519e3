"""Applies all filters to a run's accepted triplets, stores the verdicts, and says what they change.

Generates, encodes and asks nothing: what filters need beyond the texts was measured before.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.store import filtering, ledger
from syncse_local.store.filtering import VerdictRow
from syncse_local.synthesis.contamination import Gate
from syncse_local.synthesis.filters import contamination, cosine, form, judge, language, length, lexical
from syncse_local.synthesis.filters.duplicates import Kept
from syncse_local.synthesis.filters.instruments import Instruments
from syncse_local.synthesis.filters.report import Report, is_dropped
from syncse_local.synthesis.filters.settings import FilterSettings
from syncse_local.synthesis.filters.verdict import Candidate, Check, Finding
from syncse_local.text.toml import content_hash

Judged = tuple[Candidate, list[tuple[Check, Finding]]]


def candidates(connection: sqlite3.Connection, run_ids: Sequence[str], filtered: bool = False) -> list[Candidate]:
    """The runs' triplets that the parser accepted, by default whatever was filtered or reviewed before."""
    rows = ledger.triplets(connection, run_ids, filtered=True) if filtered else ledger.candidates(connection, run_ids)
    return [Candidate(r["ordinal"], r["sentence_key"], r["sentence"], r["positive"], r["negative"]) for r in rows]


def judge_all(
    rows: Sequence[Candidate],
    settings: FilterSettings,
    instruments: Instruments,
    gate: Gate,
    against: Iterable[Candidate] = (),
) -> Iterator[Judged]:
    """Every triplet with every filter's finding, in plan order whatever order the rows come in.

    Duplicates are looked for among what the other filters keep, so that a group never loses its last member.
    """
    checks = single_checks(settings, instruments, gate, lexical.chance_overlap(rows))
    kept = Kept(settings.duplicates)
    for row in against:
        kept.add(row)
    for row in sorted(rows):
        findings = [(check, check.judge(row)) for check in checks]
        if settings.duplicates.enabled and not is_dropped(findings):
            findings += [(check, check.judge(row)) for check in kept.checks()]
            if not is_dropped(findings):
                kept.add(row)
        yield row, findings


def single_checks(settings: FilterSettings, instruments: Instruments, gate: Gate, chance: float) -> list[Check]:
    """The filters that look at one triplet at a time."""
    found = [form.check(settings.form)] if settings.form.enabled else []
    found += [language.check(settings.language)] if settings.language.enabled else []
    found += [length.check(settings.length)] if settings.length.enabled else []
    found += lexical.checks(settings.lexical, chance) if settings.lexical.enabled else []
    found += cosine.checks(settings.cosine, instruments.cosine) if settings.cosine.encoder else []
    found += [judge.check(settings.judge, instruments.judge)] if settings.judge.model else []
    return [*found, contamination.check(settings.contamination, gate, instruments.contamination)]


def apply(
    connection: sqlite3.Connection,
    run_id: str,
    settings: FilterSettings,
    instruments: Instruments,
    gate: Gate,
    against: Sequence[str] = (),
    dry_run: bool = False,
) -> Report:
    """Judge the run's triplets anew, store the verdicts unless `dry_run`, and report.

    `against` are runs whose filtered triplets count as kept before this run's first. Raises SyncseError (code NOTHING)
    for a run without accepted triplets.
    """
    rows = candidates(connection, [run_id])
    if not rows:
        hint = f"See what became of its answers: `syncse show {run_id}`."
        raise SyncseError("Nothing to filter", f"Run {run_id} has no accepted triplet.", hint, ExitCode.NOTHING)
    others = candidates(connection, [name for name in against if name != run_id], filtered=True)
    current = filtering.current(connection, run_id)
    before = filtering.changed_places(connection, current["id"]) if current else {}
    report = Report(len(rows), chance=lexical.chance_overlap(rows))

    def verdicts() -> Iterator[VerdictRow]:
        for row, findings in judge_all(rows, settings, instruments, gate, others):
            report.add(row, findings, before)
            yield from (_stored(row, check, finding) for check, finding in findings)

    if dry_run:
        for _ in verdicts():
            pass
        return report
    params = {**settings.to_dict(), "against": list(against)}
    detail = {"chance": report.chance, "evaluation_sets": gate.checked, "unread_sets": gate.unread}
    filtering.record(connection, run_id, params, content_hash(params), detail, len(rows), verdicts())
    return report


def _stored(row: Candidate, check: Check, finding: Finding) -> VerdictRow:
    return VerdictRow(row.ordinal, check.name, check.version, finding.verdict, finding.score, finding.reason or "")
