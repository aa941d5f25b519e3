"""The vLLM engine: safetensors directories, paged KV cache with prefix caching, its own interpreter and process.

Knows how options become engine arguments and how rows become prompts; the process is in process.py, the engine's side
in child.py.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from syncse_local import machine
from syncse_local.backends.chat import asked_of, choose_profile
from syncse_local.backends.options import read_options
from syncse_local.backends.vllm.fit import VLLM_WINDOW
from syncse_local.backends.vllm.options import VllmOptions
from syncse_local.backends.vllm.process import VllmProcess, start_failure
from syncse_local.backends.vllm.prompts import PromptRenderer, RenderedRow
from syncse_local.backends.vllm.python import find
from syncse_local.errors import SyncseError
from syncse_local.modelfiles.directory import model_info
from syncse_local.modelfiles.hashing import model_sha256
from syncse_local.records import Completion, Context, InFlight

log = logging.getLogger("syncse_local.vllm")
TICK = 0.05
"""Seconds between questions whether the run is cancelled while the engine is silent."""
LEAST_AHEAD = 512
"""Rows given to the engine beyond those in flight, at least: it must not wait for this process between two steps."""


class VllmBackend:
    """One model directory in vLLM; implements `Backend`.

    `options` are the fields of VllmOptions. `sha256` is the model's `model_sha256` when the caller has it already.
    Raises SyncseError: USAGE for an unknown option, PREFLIGHT for a model or an interpreter that cannot be used.
    """

    name = "vllm"

    def __init__(self, model: Path, sha256: str = "", **options: Any) -> None:
        self._process: VllmProcess | None = None
        self._busy, self._run = False, 0
        self._waiting: dict[str, tuple[str, str]] = {}
        self.options = read_options(VllmOptions, self.name, options)
        path = Path(model)
        self.info = model_info(path, sha256)
        self.python = find(self.options.python)
        self.version = self.python.version + asked_of(self.options.thinking, self.options.template)
        if not sha256:
            self.info = replace(self.info, sha256=model_sha256(None, path))
        self.released: dict[str, object] = {}
        self._gpus_before = gpu_memory()
        try:
            self._load(path)
        except BaseException:
            self.close()
            raise

    def _load(self, path: Path) -> None:
        self._process = process = VllmProcess(self.python, self.options.threads)
        process.send(engine_arguments(self.options, path, self.info.context_length))
        while not (messages := process.receive(TICK)):
            pass
        if "failed" in messages[0]:
            raise start_failure(messages[0]["failed"], process.log_tail())
        self._ready = ready = messages[0]["ready"]
        self._profile = choose_profile(
            self.info,
            self.options.chat_profile,
            ready["bos"],
            ready["eos"],
            self.options.thinking,
            self.options.template,
        )
        self._ahead = self.options.ahead or max(LEAST_AHEAD, 2 * ready["max_num_seqs"])
        self._renderer = PromptRenderer(
            self._profile,
            ready["specials"],
            ready["bos"] if ready["adds_bos"] else "",
            ready["window"],
            ready["longest"],
            0 if self.options.thinking == "off" else self.options.thinking_tokens,
        )
        self.warnings = [*self._profile.notes]
        if not self.info.chat_template:
            self.warnings.append("The model brings no chat template: prompts are plain text.")
        for warning in self.warnings:
            log.warning("%s", warning)

    def generate(self, contexts: Iterable[Context], cancelled: Callable[[], bool]) -> Iterator[Completion]:
        """See `Backend.generate`. One at a time: a second one while the first runs raises RuntimeError."""
        if self._process is None:
            raise RuntimeError("the backend is closed")
        if self._busy:
            raise RuntimeError("the backend is generating already")
        self._busy = True
        self._run += 1
        try:
            yield from self._answers(self._process, self._renderer.requests(contexts), cancelled)
        finally:
            self._busy = False

    def _answers(
        self, process: VllmProcess, requests: Iterator[RenderedRow | Completion], cancelled: Callable[[], bool]
    ) -> Iterator[Completion]:
        """Keep the engine fed and hand on what it answers; what a run that was given up left is cancelled."""
        waiting: dict[str, tuple[str, str]] = {}
        self._waiting = waiting
        numbered = enumerate(requests)
        fed = False
        try:
            while not cancelled():
                while not fed and len(waiting) < self._ahead:
                    number, request = next(numbered, (0, None))
                    if request is None:
                        fed = True
                    elif isinstance(request, Completion):
                        yield request
                    else:
                        name = f"{self._run}:{number}"
                        waiting[name] = request.key, request.opening
                        process.send({"row": name, "prompt": request.prompt, "sampling": request.sampling})
                if fed and not waiting:
                    return
                for answer in process.receive(TICK):
                    if "failed" in answer:
                        raise process.death(answer["failed"])
                    if (known := waiting.pop(answer.pop("row"), None)) is None:  # from a run that was given up
                        continue
                    key, opening = known
                    yield Completion(key, opening + answer.pop("text", ""), **answer)
                    if cancelled():
                        return
        finally:
            if waiting:
                with suppress(SyncseError):
                    process.send({"cancel": True})

    def in_flight(self) -> InFlight:
        """See `Watched.in_flight`: the rows that the engine has been given; it tells no tokens before an answer."""
        return InFlight(len(self._waiting))

    def settings(self) -> dict[str, object]:
        """What was chosen; after `close`, also what was given back."""
        hidden = ("bos", "eos", "adds_bos", "specials", "longest")
        return {
            **{name: value for name, value in self._ready.items() if name not in hidden},
            "python": str(self.python.path),
            "gpu_memory_utilization": self.options.gpu_memory_utilization,
            "threads": self.options.threads,
            "ahead": self._ahead,
            "profile": self._profile.kind,
            "shared_prefix": self._ready["prefix_caching"],
            "warnings": list(self.warnings),
            **({"released": self.released} if self.released else {}),
        }

    def close(self) -> None:
        """End the process and all that it started, and look whether they are gone; a second call does nothing."""
        process, self._process = self._process, None
        if process:
            left = process.close()
            self.released = {"processes_left": left, "gpus_before": self._gpus_before, "gpus_after": gpu_memory()}
            if left:
                log.error("%d processes of vLLM could not be ended", left)


def engine_arguments(options: VllmOptions, model: Path, context: int) -> dict[str, Any]:
    """vLLM's EngineArgs; what is 0 or `auto` is left out, so that vLLM chooses. `on_cpu` holds what only a CPU needs."""
    chosen = {
        name: getattr(options, name)
        for name in ("max_num_seqs", "gpu_memory_utilization", "kv_cache_memory_bytes", "block_size", "enforce_eager")
        if getattr(options, name)
    }
    if options.quantization != "auto":
        chosen["quantization"] = options.quantization
    window = options.max_model_len or min(context or VLLM_WINDOW, VLLM_WINDOW)
    return {
        **chosen,
        "model": str(model.absolute()),
        "max_model_len": window,
        "tensor_parallel_size": options.tensor_parallel_size,
        "dtype": options.dtype,
        "seed": options.seed,
        "enable_prefix_caching": True,
        "trust_remote_code": False,
        "load_format": "safetensors",
        "disable_log_stats": True,
        # xgrammar, vLLM's choice, lets raw control characters through.
        "structured_outputs_config": {"backend": "guidance"},
        "on_cpu": {
            "block_size": 32,
            "kv_cache_memory_bytes": cpu_cache_bytes(),
            "enforce_eager": True,
            # A prompt cut in two makes vLLM rewind the row's random generator, which torch cannot do on a CPU.
            "enable_chunked_prefill": False,
            "max_num_batched_tokens": max(2048, window),
        },
    }


def cpu_cache_bytes() -> int:
    """Main memory for the KV cache where none is asked for: a quarter of what is free, at most 4 GiB."""
    return max(64 << 20, min(machine.memory().free // 4, 4 << 30))


def gpu_memory() -> list[dict[str, int | None]]:
    """Free bytes of each GPU as the driver's NVML says."""
    return [{"gpu": gpu.index, "free": gpu.free} for gpu in machine.gpus()]
