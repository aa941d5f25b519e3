"""Every kind of run with its spec, and the commands that do several. Knows them by name."""

from syncse_local.specs.compare import CompareSpec
from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.specs.filter import FilterSpec
from syncse_local.specs.generate import GenerateSpec
from syncse_local.specs.pipeline import CalibrateSpec, MergeSpec, RunSpec
from syncse_local.specs.report import ReportSpec
from syncse_local.specs.spec import Spec
from syncse_local.specs.train import TrainSpec

KINDS: dict[str, type[Spec]] = {
    spec.KIND: spec for spec in (GenerateSpec, FilterSpec, TrainSpec, EvaluateSpec, CompareSpec, ReportSpec)
}
"""Runs that have a row and a worker of their own."""
COMMANDS: dict[str, type[Spec]] = {spec.KIND: spec for spec in (RunSpec, CalibrateSpec, MergeSpec)}
"""What does several runs, or none."""
