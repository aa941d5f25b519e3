"""The process that holds vLLM: rows in on standard input, answers out on a pipe, one JSON document a line.

Runs under vLLM's own interpreter as `python -I child.py ANSWERS LIFE [AIRGAP]` and imports the standard library and
vLLM only. It knows tokens, not chat: prompts come rendered. Everything that vLLM prints goes to descriptors 1 and 2.
"""

import copy
import importlib.util
import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from typing import Any


class Wire:
    """The pipe to the parent."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._file = os.fdopen(descriptor, "w", encoding="ascii")
        self._lock = threading.Lock()

    def send(self, *messages: dict[str, Any]) -> None:
        """Write the messages, each as a line."""
        lines = "".join(json.dumps(message) + "\n" for message in messages)
        with self._lock:
            self._file.write(lines)
            self._file.flush()


class Loopback(socket.socket):
    """A socket that listens on this machine only: where a library asks for every interface, it gets loopback."""

    def bind(self, address: Any) -> None:
        """As socket.bind."""
        if isinstance(address, tuple) and address[0] in ("", "0.0.0.0", "::"):
            address = ("::1" if self.family == socket.AF_INET6 else "127.0.0.1", *address[1:])
        super().bind(address)


def end_with_parent(life: int) -> None:
    """Leave a process behind that kills this group when the parent is gone, however it went, and whatever hangs here.

    Only the parent holds the other end of `life`; the kernel closes it.
    """
    if os.fork():
        os.close(life)
        return
    os.closerange(0, life)
    os.closerange(life + 1, os.sysconf("SC_OPEN_MAX"))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.read(life, 1)
    os.killpg(0, signal.SIGKILL)


def guard_sockets(airgap: str, wire: Wire) -> None:
    """Put the program's own socket guard in place and tell the parent of each refusal."""
    spec = importlib.util.spec_from_file_location("syncse_airgap", airgap)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["syncse_airgap"] = module
    spec.loader.exec_module(module)
    module.install(lambda caller, address: wire.send({"refused": [caller, address]}))


class RowReader:
    """The parent's messages, read and tokenised in a thread of their own while the engine computes."""

    def __init__(self, stream: Any, tokenizer: Any) -> None:
        self._stream, self._tokenizer = stream, tokenizer
        self._inbox: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def take(self, wait: bool) -> list[dict[str, Any]]:
        """What has come; with `wait`, at least one message."""
        found = [self._inbox.get()] if wait else []
        while True:
            try:
                found.append(self._inbox.get_nowait())
            except queue.Empty:
                return found

    def _read(self) -> None:
        for line in self._stream:
            message = json.loads(line)
            if "prompt" in message:
                message["tokens"] = self._tokenise(message.pop("prompt"))
            self._inbox.put(message)
        self._inbox.put({"close": True})

    def _tokenise(self, text: str) -> list[int] | str:
        try:
            return list(self._tokenizer.encode(text, add_special_tokens=False))
        except Exception as problem:  # a tokenizer's complaint is about one row
            return f"{type(problem).__name__}: {problem}"[:500]


class EngineLoop:
    """Feeds the engine and sends each answer when it is finished."""

    def __init__(self, engine: Any, rows: RowReader, wire: Wire, window: int) -> None:
        self.engine, self.rows, self.wire, self.window = engine, rows, wire, window
        self.started: dict[str, float] = {}

    def serve(self) -> None:
        """Work until the parent says close or is gone."""
        while True:
            for message in self.rows.take(wait=not self.started):
                if "close" in message:
                    return
                if "cancel" in message:
                    self.engine.abort_request(list(self.started))
                    self.started.clear()
                else:
                    self.admit(message)
            if self.started:
                self.wire.send(*[self.answer(out) for out in self.engine.step() if out.finished])

    def admit(self, message: dict[str, Any]) -> None:
        """Give one row to the engine, or answer it at once where it cannot be answered."""
        name, tokens = message["row"], message["tokens"]
        if isinstance(tokens, str):
            self.wire.send({"row": name, "finish": "error", "error": tokens})
        elif not tokens:
            self.wire.send({"row": name, "finish": "refused", "error": "The prompt is empty."})
        elif len(tokens) >= self.window:
            said = f"The prompt has {len(tokens)} tokens and the context holds {self.window}."
            self.wire.send({"row": name, "finish": "refused", "error": said, "prompt_tokens": len(tokens)})
        else:
            self._add(name, tokens, message["sampling"])

    def _add(self, name: str, tokens: list[int], wanted: dict[str, Any]) -> None:
        from vllm import SamplingParams
        from vllm.exceptions import VLLMValidationError
        from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

        wanted["max_tokens"] = max(1, min(wanted["max_tokens"], self.window - len(tokens)))
        try:
            if grammar := wanted.pop("grammar", ""):
                wanted["structured_outputs"] = StructuredOutputsParams(grammar=grammar)
            params = SamplingParams(**wanted, output_kind=RequestOutputKind.FINAL_ONLY)
            self.engine.add_request(name, {"prompt_token_ids": tokens}, params)
        except (ValueError, TypeError, VLLMValidationError) as problem:  # the row's own: its grammar, its numbers
            self.wire.send({"row": name, "finish": "refused", "error": str(problem)[:500]})
        else:
            self.started[name] = time.monotonic()

    def answer(self, out: Any) -> dict[str, Any]:
        """What the engine made of one row."""
        made = out.outputs[0]
        known = made.finish_reason in ("stop", "length")
        return {
            "row": out.request_id,
            "text": made.text,
            "finish": made.finish_reason if known else "error",
            "error": "" if known else f"The engine ended the row: {made.finish_reason}.",
            "prompt_tokens": len(out.prompt_token_ids or ()),
            "cached_tokens": out.num_cached_tokens or 0,
            "output_tokens": len(made.token_ids),
            "seconds": time.monotonic() - self.started.pop(out.request_id, time.monotonic()),
        }


def load(options: dict[str, Any]) -> tuple[Any, Any]:
    """The engine, and a tokenizer of the reading thread's own: the engine's is not safe beside it."""
    from vllm import EngineArgs, LLMEngine
    from vllm.platforms import current_platform

    if current_platform.is_cpu():
        options = {**options.pop("on_cpu"), **options}
    options.pop("on_cpu", None)
    engine = LLMEngine.from_engine_args(EngineArgs(**options))
    return engine, copy.deepcopy(engine.get_tokenizer())


def described(engine: Any, tokenizer: Any) -> dict[str, Any]:
    """What the parent needs to write prompts, and what the engine chose."""
    import torch
    import vllm

    config = engine.vllm_config
    vocabulary = tokenizer.get_vocab()
    first = tokenizer.encode("a")[:1]
    return {
        "version": vllm.__version__,
        "torch": torch.__version__,
        "device": str(config.device_config.device_type),
        "dtype": str(config.model_config.dtype).removeprefix("torch."),
        "quantization": config.model_config.quantization,
        "window": config.model_config.max_model_len,
        "max_num_seqs": config.scheduler_config.max_num_seqs,
        "max_num_batched_tokens": config.scheduler_config.max_num_batched_tokens,
        "block_size": config.cache_config.block_size,
        "kv_blocks": config.cache_config.num_gpu_blocks,
        "prefix_caching": bool(config.cache_config.enable_prefix_caching),
        "tensor_parallel_size": config.parallel_config.tensor_parallel_size,
        "bos": tokenizer.bos_token or "",
        "eos": tokenizer.eos_token or "",
        "adds_bos": bool(first) and first == [tokenizer.bos_token_id],
        "specials": sorted({*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()}),
        "longest": max(map(len, vocabulary), default=1),
    }


def work(stream: Any, wire: Wire) -> None:
    """Load the engine as the first line says, serve, and free it."""
    engine, tokenizer = load(json.loads(stream.readline()))
    ready = described(engine, tokenizer)
    wire.send({"ready": ready})
    EngineLoop(engine, RowReader(stream, tokenizer), wire, ready["window"]).serve()
    engine.engine_core.shutdown()
    wire.send({"closed": True})


def main(answers: int, life: int, airgap: str) -> None:
    """Set the process up, work, and say why where that fails."""
    end_with_parent(life)
    wire = Wire(answers)
    stream = os.fdopen(os.dup(0), "r", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # what the engine starts must not hold the parent's pipe
    socket.socket = Loopback  # type: ignore[misc]
    if airgap:
        guard_sockets(airgap, wire)
    try:
        work(stream, wire)
    except BaseException as problem:
        wire.send({"failed": f"{type(problem).__name__}: {problem}"})
        raise
    sys.stdout.flush()
    os._exit(0)  # a destructor must not turn a finished engine into a crash


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
