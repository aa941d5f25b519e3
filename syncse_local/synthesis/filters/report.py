"""What an application of filters says in figures, and the difference to the view before it. Knows no filter's meaning."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from syncse_local.synthesis.filters.verdict import Candidate, Check, Finding, Reason, Verdict

EXAMPLES = 5
"""Triplets shown that leave: enough to see what a threshold does."""


def is_dropped(findings: Iterable[tuple[Check, Finding]]) -> bool:
    """Whether any filter drops the triplet."""
    return any(finding.verdict is Verdict.DROP for _, finding in findings)


@dataclass(slots=True)
class Report:
    """`filters` has each filter's verdicts and their reasons (`drop`, `drop:copy`) but for plain keeps.

    `dropped`, `restored` and `exchanged` count the triplets that leave, enter and turn around in the filtered view;
    `unmeasured` those that a filter knew nothing of.
    """

    triplets: int = 0
    kept: int = 0
    unmeasured: int = 0
    dropped: int = 0
    restored: int = 0
    exchanged: int = 0
    chance: float = 0.0
    filters: dict[str, dict[str, int]] = field(default_factory=dict)
    examples: list[dict[str, str]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def add(self, row: Candidate, findings: list[tuple[Check, Finding]], before: Mapping[int, str]) -> None:
        """Count one triplet; `before` says how the places stood (`drop`, `swap`) until now."""
        for check, finding in findings:
            counts = self.filters.setdefault(check.name, {})
            if finding.verdict is not Verdict.KEEP:
                for name in (str(finding.verdict), f"{finding.verdict}:{finding.reason}"):
                    counts[name] = counts.get(name, 0) + 1
        self.unmeasured += any(finding.reason is Reason.UNMEASURED for _, finding in findings)
        gone, was = is_dropped(findings), before.get(row.ordinal, "keep")
        turned = any(finding.verdict is Verdict.SWAP for _, finding in findings)
        self.kept += not gone
        self.restored += not gone and was == "drop"
        self.exchanged += not gone and was != "drop" and turned != (was == "swap")
        if gone and was != "drop":
            self.dropped += 1
            self._show(row, findings)

    def _show(self, row: Candidate, findings: list[tuple[Check, Finding]]) -> None:
        """The first triplets that leave, each under the filter that drops it."""
        if len(self.examples) < EXAMPLES:
            names = [check.name for check, finding in findings if finding.verdict is Verdict.DROP]
            texts = {"sentence": row.sentence, "positive": row.positive, "negative": row.negative}
            self.examples.append({"filters": " ".join(names), **texts})
