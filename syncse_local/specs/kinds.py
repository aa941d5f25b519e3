"""Every kind of run with its spec, and the commands that do several. Knows them by name."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.specs.compare import CompareSpec
from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.specs.filter import FilterSpec
from syncse_local.specs.generate import GenerateSpec
from syncse_local.specs.pipeline import CalibrateSpec, MergeSpec, RunSpec
from syncse_local.specs.report import ReportSpec
from syncse_local.specs.spec import Spec
from syncse_local.specs.study import TrySpec
from syncse_local.specs.train import TrainSpec

KINDS: dict[str, type[Spec]] = {
    spec.KIND: spec for spec in (GenerateSpec, FilterSpec, TrainSpec, EvaluateSpec, CompareSpec, ReportSpec)
}
"""Runs that have a row and a worker of their own."""
COMMANDS: dict[str, type[Spec]] = {spec.KIND: spec for spec in (RunSpec, CalibrateSpec, MergeSpec, TrySpec)}
"""What does several runs, or none."""


def checked(kind: str, options: Mapping[str, Any]) -> Spec:
    """The spec of a run of this kind that can be started with these options, and no more than these.

    Raises SyncseError (USAGE) for an unknown kind or key, a bad value, and where something is missing.
    """
    if kind not in KINDS:
        near = get_close_matches(kind, KINDS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Kinds: {', '.join(KINDS)}."
        raise SyncseError("Unknown kind of run", f"There is no kind of run named {kind!r}.", hint, ExitCode.USAGE)
    spec = KINDS[kind].of(options, strict=True)
    spec.complete()
    return spec
