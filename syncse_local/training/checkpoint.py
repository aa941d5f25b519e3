"""Where a training run stands, on disk: weights, AdamW state, the best weights so far, and the step.

One directory a checkpoint, renamed into place; safetensors and JSON only. Knows no loss and no data.
"""

import json
import re
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from syncse_local.errors import ExitCode, SyncseError

NAME = re.compile(r"step-(\d{9})")
FORMAT = 1
"""Of the state in a checkpoint: one of another format is not gone on with."""


@dataclass
class Progress:
    """How far a run is. `evaluated` is the last step whose dev score is known, `stale` counts scores
    since the best; `best_parts` is the best score by dev set; `seconds` and `triplets` are of training only."""

    step: int = 0
    best_step: int = 0
    best_score: float | None = None
    best_parts: dict[str, float] = field(default_factory=dict)
    evaluated: int = 0
    stale: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    triplets: int = 0


class Checkpoints:
    """The newest checkpoint in a directory. `fingerprint` names the run (recipe and data) it must belong to."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder, self.fingerprint = folder, fingerprint

    def save(
        self, progress: Progress, module: nn.Module, optimizer: torch.optim.Optimizer, best: dict[str, Tensor]
    ) -> None:
        """Write one, then delete the older ones. Raises SyncseError when it cannot be written; the older one stays."""
        target = self.folder / f"step-{progress.step:09d}"
        scratch = self.folder / ".new"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            _store(scratch / "weights.safetensors", trained_weights(module))
            _store(scratch / "optimizer.safetensors", _optimizer_tensors(module, optimizer))
            _store(scratch / "best.safetensors", best)
            state = {"format": FORMAT, "fingerprint": self.fingerprint, **asdict(progress)}
            (scratch / "state.json").write_text(json.dumps(state, indent=2), encoding="utf-8")
            shutil.rmtree(target, ignore_errors=True)
            scratch.rename(target)
        except (OSError, SafetensorError) as error:
            shutil.rmtree(scratch, ignore_errors=True)
            detail = f"No checkpoint could be written to {self.folder}: {error}."
            raise SyncseError("Cannot save", detail, "Free some space, then resume the run.") from error
        for step, folder in self._found():
            if step != progress.step:
                shutil.rmtree(folder, ignore_errors=True)

    def load(self, module: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[Progress, dict[str, Tensor]]:
        """Put the newest checkpoint into `module` and `optimizer`; (progress, best weights), empty where there is none.

        Raises SyncseError (usage) if it is another run's, (preflight) if it is broken.
        """
        found = self._found()
        if not found:
            return Progress(), {}
        folder = max(found)[1]
        try:
            state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
            if state.pop("format") != FORMAT or state.pop("fingerprint") != self.fingerprint:
                raise _other_run(self.folder)
            progress = Progress(**state)
            load_weights(module, load_file(folder / "weights.safetensors"))
            _restore(module, optimizer, load_file(folder / "optimizer.safetensors"))
            best = load_file(folder / "best.safetensors")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
            detail = f"{folder} cannot be read ({type(error).__name__})."
            hint = "Delete it and start the training again."
            raise SyncseError("Checkpoint unreadable", detail, hint, code=ExitCode.PREFLIGHT) from error
        return progress, best

    def _found(self) -> list[tuple[int, Path]]:
        if not self.folder.is_dir():
            return []
        names = [(NAME.fullmatch(path.name), path) for path in self.folder.iterdir()]
        return [(int(match[1]), path) for match, path in names if match and path.is_dir()]


def trained_weights(module: nn.Module) -> dict[str, Tensor]:
    """The module's state without the weights that are frozen, and so are those of the encoder it started from."""
    frozen = {name for name, parameter in module.named_parameters() if not parameter.requires_grad}
    return {name: tensor for name, tensor in module.state_dict().items() if name not in frozen}


def load_weights(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """The inverse of `trained_weights`. Raises KeyError where these are another module's."""
    if tensors.keys() != trained_weights(module).keys():
        raise KeyError("other tensors")
    module.load_state_dict(tensors, strict=False)


def _other_run(folder: Path) -> SyncseError:
    detail = f"The checkpoint in {folder} was made with other options or other data."
    hint = "Choose another checkpoint directory, or delete this one to start afresh."
    return SyncseError("Another run's checkpoint", detail, hint, code=ExitCode.USAGE)


def _store(path: Path, tensors: dict[str, Tensor]) -> None:
    save_file({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}, path)


def _optimizer_tensors(module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """AdamW's tensors, named `parameter|part`; a parameter that never had a gradient has none."""
    states = [(name, optimizer.state.get(parameter, {})) for name, parameter in module.named_parameters()]
    return {f"{name}|{part}": value for name, state in states for part, value in state.items()}


def _restore(module: nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    order = {id(p): i for i, p in enumerate(p for group in optimizer.param_groups for p in group["params"])}
    state = dict[int, dict[str, Tensor]]()
    for name, parameter in module.named_parameters():
        parts = {key.rsplit("|", 1)[1]: value for key, value in tensors.items() if key.rsplit("|", 1)[0] == name}
        if parts and id(parameter) in order:
            state[order[id(parameter)]] = parts
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
