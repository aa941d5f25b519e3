"""What a study would still cost, from what was measured of the same generators in this workspace. Starts nothing."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncse_local.paths import starter_encoder
from syncse_local.prepare.generate import CALLS
from syncse_local.prepare.names import named_encoder
from syncse_local.specs.generate import GenerateSpec
from syncse_local.store import runs
from syncse_local.study.carry import Carrier, cost

if TYPE_CHECKING:
    from syncse_local.api import Workspace

LOOKED_AT = 1_000
"""Runs of the workspace, the newest first, in which a generator's pace is looked for."""


def forecast(carrier: Carrier) -> dict[str, Any]:
    """`steps` (what, runs, there already, requests), and `seconds`, `tokens` and `disk` of what is not done.

    Seconds and tokens are None where a generator was never measured here; trainings and evaluations are not in them.
    """
    requests = {each: carrier.parts.sentences * CALLS * carrier.samples[each] for each in carrier.plans}
    found = {each: carrier.workspace.known("study generate", plan) for each, plan in carrier.plans.items()}
    done = {each for each, run in found.items() if run is not None and run.state == "done"}
    open_ones = {each: number for each, number in requests.items() if each not in done}
    paces = {each: _pace(carrier.workspace, carrier.plans[each]) for each in open_ones}
    trained = [arm for arm in carrier.arms if arm.trained]
    seeds = len(carrier.study.seeds)
    states = carrier.state.arms.values()
    steps: list[dict[str, Any]] = [
        {"what": "generate", "runs": len(requests), "there": len(done), "requests": sum(requests.values())},
        {"what": "train", "runs": seeds * len(trained), "there": sum(len(a.train) for a in states), "requests": 0},
        {
            "what": "evaluate",
            "runs": seeds * len(trained) + len(carrier.arms) - len(trained),
            "there": sum(len(arm.evaluate) for arm in states),
            "requests": 0,
        },
    ]
    measured = [(number, pace) for (each, number) in open_ones.items() if (pace := paces[each])]
    whole = len(measured) == len(open_ones)
    seconds = sum(number * pace[0] for number, pace in measured) if whole else None
    tokens = round(sum(number * pace[1] for number, pace in measured)) if whole else None
    left = steps[1]["runs"] - steps[1]["there"]
    return {"steps": steps, "seconds": seconds, "tokens": tokens, "disk": left * _encoder_bytes(carrier)}


def _pace(workspace: "Workspace", plan: GenerateSpec) -> tuple[float, float] | None:
    """(seconds, tokens) a request of this generator, from the newest run here that has any answer of it."""
    for run in runs.recent(workspace.connection, LOOKED_AT):
        if run.kind != "generate":
            continue
        other = GenerateSpec.of(run.options)
        if (other.model, other.backend) != (plan.model, plan.backend):
            continue
        if (spent := cost(workspace, run.id))["requests"] and spent["seconds"]:
            return spent["seconds"] / spent["requests"], spent["tokens"] / spent["requests"]
    return None


def _encoder_bytes(carrier: Carrier) -> int:
    chosen = carrier.workspace.settings
    names = [encoder or chosen.encoder or str(starter_encoder()) for encoder in carrier.study.encoders]
    return max(_bytes(Path(named_encoder(name, chosen))) for name in names)


def _bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
