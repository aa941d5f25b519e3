"""Requests per second of our vLLM backend against LLM.generate, on the same rows, turn about in one run.

Both engines are loaded at once with the same arguments, and take each round one after the other, so that whatever else
the machine does falls on both. On a GPU give each less than half of it.

    python scripts/bench_vllm.py random
    python scripts/bench_vllm.py ~/models/some-instruct-model --option gpu_memory_utilization=0.4 --rows 500
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench_generation import make_work
from random_llama import MEDIUM, Shape, write

from syncse_local.backends.vllm.engine import VllmBackend, engine_arguments
from syncse_local.backends.vllm.process import environment
from syncse_local.records import Completion, Context

RAW = Path(__file__).with_name("bench_vllm_raw.py")


class Raw:
    """LLM.generate in a process of its own."""

    def __init__(self, backend: VllmBackend, model: Path) -> None:
        self._process = subprocess.Popen(
            [backend.python.path, "-I", RAW],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # as our engine's process: a scheduler may share the machine by session
            env=environment(backend.python, backend.options.threads),
        )
        self._ask(engine_arguments(backend.options, model, backend.info.context_length))

    def _ask(self, message: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(message), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit("LLM.generate died")
        return json.loads(answer)

    def run(self, rows: list[dict[str, Any]]) -> tuple[float, list[str]]:
        """Seconds, and the texts in the order of the rows."""
        made = self._ask(rows)
        return made["seconds"], made["texts"]

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def ours(backend: VllmBackend, contexts: Sequence[Context]) -> tuple[float, dict[str, str]]:
    """Seconds, and the texts by key."""
    began = time.perf_counter()
    found = {c.key: c.text for c in backend.generate(iter(contexts), lambda: False)}
    return time.perf_counter() - began, found


def rounds(backend: VllmBackend, options: argparse.Namespace) -> Iterator[tuple[list[Context], list[dict[str, Any]]]]:
    """Rows of each round as contexts, and as LLM.generate takes them; no two rounds share a prefix."""
    work = make_work(
        lambda text: len(text) // 3,
        options.contexts * (options.rounds + 1),
        options.rows,
        options.prefix,
        options.turn,
        options.out,
    ).contexts
    for start in range(0, len(work), options.contexts):
        part = list(work[start : start + options.contexts])
        requests = [r for r in backend._renderer.requests(part) if not isinstance(r, Completion)]
        yield part, [{"prompt": r.prompt, "sampling": r.sampling} for r in requests]


def main() -> None:
    """Print a line for each round, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a model directory, `random` (the 135 M shape) or `tiny`")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="as --backend-option")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--contexts", type=int, default=4, help="prompt contexts in a round")
    parser.add_argument("--rows", type=int, default=64, help="rows per context")
    parser.add_argument("--prefix", type=int, default=300, help="tokens of a context, about")
    parser.add_argument("--turn", type=int, default=25)
    parser.add_argument("--out", type=int, default=24, help="tokens per answer, at most")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(options.model)
        if options.model in ("random", "tiny"):
            shape = MEDIUM if options.model == "random" else Shape(context=2048)
            model = write(Path(folder) / options.model, shape)
        backend = VllmBackend(model, "-", **dict(pair.split("=", 1) for pair in options.option))
        raw = Raw(backend, model)
        report(backend, raw, options)
        raw.close()
        backend.close()


def report(backend: VllmBackend, raw: Raw, options: argparse.Namespace) -> None:
    """Take turns, and print."""
    print(f"vLLM {backend.version}, {backend.settings()['device']}, {backend.info.parameters / 1e6:.1f} M parameters")
    print("| round | LLM.generate, requests/s | ours, requests/s | ratio | equal texts |")
    print("|---|---|---|---|---|")
    sums = [0.0, 0.0, 0.0]
    for number, (contexts, rows) in enumerate(rounds(backend, options)):
        keys = [row.key for context in contexts for row in context.rows]
        if number % 2:
            mine, texts = ours(backend, contexts)
            theirs, reference = raw.run(rows)
        else:
            theirs, reference = raw.run(rows)
            mine, texts = ours(backend, contexts)
        equal = sum(texts[key] == text for key, text in zip(keys, reference, strict=True)) / len(rows)
        name = number or "warm-up"
        print(
            f"| {name} | {len(rows) / theirs:.1f} | {len(rows) / mine:.1f} | {theirs / mine:.1%} | {equal:.0%} |",
            flush=True,
        )
        if number:
            sums = [sums[0] + theirs, sums[1] + mine, sums[2] + len(rows)]
    theirs, mine, count = sums
    print(f"| all | {count / theirs:.1f} | {count / mine:.1f} | {theirs / mine:.1%} | |")


if __name__ == "__main__":
    main()
