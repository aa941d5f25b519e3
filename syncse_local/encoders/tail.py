"""What is done to the vectors of an encoder that is no transformer: its own last modules, and its own length."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syncse_local.encoders.base import refused
from syncse_local.modelfiles.encoder_modules import ModuleSpec

Floats = NDArray[np.float32]


class Tail:
    """The modules after vectors of `width` numbers, and the cut to `truncate` (0: none). torch is imported for weights alone.

    Raises SyncseError (PREFLIGHT) for a module that does not fit what comes before it.
    """

    def __init__(self, specs: Sequence[ModuleSpec], width: int, truncate: int) -> None:
        self._steps: list[Callable[[Floats], Floats]] = []
        self._truncate = truncate
        for spec in specs:
            if spec.kind == "Normalize":
                self._steps.append(unit)
            else:
                step, width = _module(spec, width)
                self._steps.append(step)

    def __call__(self, vectors: Floats) -> Floats:
        """(n, width) to (n, d)."""
        for step in self._steps:
            vectors = step(vectors)
        return vectors[:, : self._truncate] if self._truncate else vectors


def unit(vectors: Floats) -> Floats:
    """Each row at length one; a zero row stays zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Floats = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms != 0)
    return scaled


def _module(spec: ModuleSpec, width: int) -> tuple[Callable[[Floats], Floats], int]:
    """The module as a function of arrays, and the width it makes."""
    import torch

    from syncse_local.encoders.modules import build

    module: Any = build(spec).eval()
    if module.inputs not in (0, width):
        raise refused(
            f"{spec.kind} expects {module.inputs} numbers, it would be given {width}.", "Copy the model again."
        )

    @torch.inference_mode()
    def step(vectors: Floats) -> Floats:
        found: Floats = module(torch.from_numpy(vectors)).numpy()
        return found

    return step, module.outputs or width
