"""A comparison or a report made ready: arms and runs by name. Measures nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.prepare.engine import settled
from syncse_local.prepare.names import evaluation_sets, named_encoder
from syncse_local.specs.compare import CompareSpec
from syncse_local.specs.report import ReportSpec
from syncse_local.store.runs import Run


def compare(spec: CompareSpec, arms: Sequence[Mapping[str, Any]]) -> CompareSpec:
    """The spec of a run that can be started, with the arms as runs. Raises SyncseError (USAGE) for fewer than two."""
    if len(arms) < 2:
        raise SyncseError(
            "Compare with what?", "One arm was given.", "Give two runs or more: syncse compare A B", ExitCode.USAGE
        )
    return spec.but(
        arms_data=tuple(arms),
        tasks=spec.tasks,
        metric=spec.metric,
        draws=spec.draws,
        seed=spec.seed,
        method=spec.method,
    )


def report(spec: ReportSpec, chosen: Settings, found: Sequence[Run]) -> ReportSpec:
    """The spec of a report on these runs. Raises SyncseError (USAGE) where one is no generate run."""
    for run in found:
        if run.kind != "generate":
            detail = f"Run {run.id} is a {run.kind} run."
            raise SyncseError("Nothing to report", detail, "Name generate runs; see `syncse runs`.", ExitCode.USAGE)
    chosen = settled(spec, chosen)
    encoder = named_encoder(spec.encoder, chosen) if spec.encoder else ""
    return spec.but(
        runs=tuple(dict.fromkeys(run.id for run in found)),
        encoder=encoder,
        filtered=spec.filtered,
        sample=spec.sample,
        seed=spec.seed,
        device=chosen.device if encoder else "cpu",
        **evaluation_sets(chosen.senteval, chosen.reranking),
    )
