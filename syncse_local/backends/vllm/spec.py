"""What is known of the vLLM engine without loading it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncse_local.backends.spec import Abilities, BackendSpec, Check
from syncse_local.backends.vllm.fit import vllm_fit
from syncse_local.backends.vllm.options import VllmOptions
from syncse_local.backends.vllm.python import find
from syncse_local.config import Settings
from syncse_local.errors import SyncseError
from syncse_local.isolation.rules import Needs


def _checks(settings: Settings) -> list[Check]:
    """The interpreter that has vLLM; needed only where the settings ask for it."""
    try:
        found = find(settings.vllm_python)
    except SyncseError as problem:
        wanted = settings.backend == SPEC.name or settings.vllm_python
        return [("vLLM", "missing" if wanted else "absent", f"{problem.detail} {problem.hint}")]
    return [("vLLM", "ok", f"{found.version}, torch {found.torch}, {found.path}")]


def _needs(options: Mapping[str, Any]) -> Needs:
    """Its interpreter's two places; its processes meet over loopback, and several of them talk by Unix sockets too."""
    checked = SPEC.read(options)
    try:
        python = find(checked.python).path
    except SyncseError:  # said by the run itself
        return Needs()
    places = (python.parent.parent, Path(os.path.realpath(python)).parent.parent)
    several = checked.tensor_parallel_size > 1
    return Needs("loopback and unix" if several else "loopback", run=tuple(map(str, places)))


SPEC = BackendSpec(
    name="vllm",
    summary="vLLM: safetensors directories, in an interpreter of its own",
    engine="syncse_local.backends.vllm.engine:VllmBackend",
    options=VllmOptions,
    abilities=Abilities(
        grammar=True,
        notes="Each row draws from its own seed; which rows share a step depends on timing, which changes float sums.",
    ),
    formats=("safetensors",),
    from_settings={"python": "vllm_python", "threads": "threads", "max_model_len": "n_ctx"},
    fit=vllm_fit,
    smaller="Take a shorter maximum length, a quantised model or more GPUs",
    uses_gpu=lambda options, gpus: gpus,
    needs=_needs,
    checks=_checks,
)
