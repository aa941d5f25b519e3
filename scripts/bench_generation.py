"""Requests per second of ways to generate with one model, side by side in one run: the table of docs/log.md.

Row by row with llama_cpp.Llama (as a user would write it, exemplars drawn anew each call), the same with rows grouped
by context, our engine for several numbers of rows in flight, and the engine's own prompt-processing rate: of one full batch
in an empty cache, and of the prompts in the run itself, which see a shared prefix.

    python scripts/bench_generation.py models/starter-llm/starter-llm.gguf --prefix 100 300 --rows 150 --baseline-rows 96
    python scripts/bench_generation.py random-135m --prefix 100 300 1000 --baseline-rows 12   # makes the model, of random weights

With --sentences it takes the shipped recipe's prompts and the answers that the model really writes, through the engine alone, and
says how far that is from the whole command that bench_user.py measured on the same model and number of sentences:

    python scripts/bench_generation.py SmolLM2.gguf --sentences notes.txt --take 200 --beside bench_user.json
"""

import argparse
import json
import platform
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp as native
import numpy as np
from bench_work import RECIPE, sentences_of, shipped_work

from syncse_local.backends.llamacpp.attention.library import Attention, Doubt, why_missing
from syncse_local.backends.llamacpp.engine import LlamaCppBackend
from syncse_local.backends.llamacpp.native import Decoder, Model, Shape
from syncse_local.backends.messages import with_turn
from syncse_local.records import Context, Message, Row, Sampling

WORDS = (
    "the a old young man woman child dog train garden letter river quickly slowly near under over and but because walks "
    "carries finds opens writes sees green small heavy bright morning street market window music friend road story"
).split()
MANY = 16


@dataclass(frozen=True, slots=True)
class Work:
    """The rows of one measurement, grouped by context."""

    contexts: tuple[Context, ...]

    @property
    def rows(self) -> int:
        """Number of requests."""
        return sum(len(context.rows) for context in self.contexts)

    def first(self, count: int) -> "Work":
        """About `count` rows: the first few of every context, so that the groups stay alike."""
        each = max(2, count // len(self.contexts))
        return Work(tuple(Context(c.id, c.prefix, c.rows[:each]) for c in self.contexts[: max(1, count // each)]))


def make_work(count: Callable[[str], int], contexts: int, rows: int, prefix: int, turn: int, out: int) -> Work:
    """Contexts whose prefix has about `prefix` tokens, rows with about `turn`, answers of at most `out`."""
    draw = random.Random(0)

    def sentence(tokens: int) -> str:
        words = [draw.choice(WORDS)]
        while count(" ".join(words)) < tokens:
            words.append(draw.choice(WORDS))
        return " ".join(words).capitalize() + "."

    def one(number: int) -> Context:
        messages = [Message("system", f"Rewrite the sentence, variant {number}.")]
        while sum(count(m.content) + 6 for m in messages) < prefix:
            messages += [Message("user", sentence(turn)), Message("assistant", sentence(turn))]
        sampling = Sampling(temperature=1.0, top_p=0.9, max_tokens=out)
        made = [Row(f"{number}-{i}", sentence(turn), number * 1000 + i, sampling) for i in range(rows)]
        return Context(str(number), tuple(messages), made)

    return Work(tuple(one(number) for number in range(contexts)))


def plain_loop(llama: Any, prompts: list[tuple[str, Row]]) -> int:
    """The loop a user would write; returns the tokens that the library reports."""
    tokens = 0
    for prompt, row in prompts:
        s = row.sampling
        made = llama.create_completion(
            prompt, max_tokens=s.max_tokens, temperature=s.temperature, top_p=s.top_p, top_k=0, min_p=0.0, seed=row.seed,
            repeat_penalty=1.0, stop=list(s.stop) or None,
        )  # fmt: skip
        tokens += made["usage"]["total_tokens"]
    return tokens


def prompt_rate(path: Path, threads: int, clock: Callable[[], float], size: int, ours: bool) -> float:
    """Tokens/s of one full batch of prompt tokens, best of eight, with our attention or llama.cpp's: what can be processed."""
    model = Model(path, 0)
    attention = Attention(threads, Doubt(0)) if ours else None
    decoder = Decoder(model, Shape(size, 1, size, threads, "f16", "auto"), attention)
    decoder.tokens[:] = np.random.default_rng(0).integers(0, model.vocab.size, size)
    decoder.positions[:] = np.arange(size)
    best = 0.0
    for _ in range(9):
        decoder.clear()
        began = clock()
        decoder.decode(size)
        native.llama_synchronize(decoder.pointer)
        best = max(best, size / (clock() - began))
    decoder.close()
    model.close()
    return best


def baselines(path: Path, work: Work, threads: int, clock: Callable[[], float]) -> tuple[float, float]:
    """Requests/s of `llama_cpp.Llama` with contexts mixed, and grouped."""
    from llama_cpp import Llama

    llama = Llama(str(path), n_ctx=2048, n_threads=threads, n_threads_batch=threads, verbose=False)
    backend_profile = LlamaCppBackend(path, "-", n_seq=1, n_ctx=512, threads=threads)
    profile = backend_profile._profile
    grouped = [(profile.render(with_turn(c.prefix, row.turn)), row) for c in work.contexts for row in c.rows]
    backend_profile.close()
    mixed = [grouped[i :: len(work.contexts[0].rows)] for i in range(len(work.contexts[0].rows))]
    rates = []
    for prompts in ([p for part in mixed for p in part], grouped):
        llama.reset()
        plain_loop(llama, prompts[:1])
        began = clock()
        plain_loop(llama, prompts[1:])
        rates.append((len(prompts) - 1) / (clock() - began))
    llama.close()
    return rates[0], rates[1]


def ours(
    path: Path, work: Work, rows: int, threads: int, lanes: int, clock: Callable[[], float]
) -> tuple[float, float, float, float, str]:
    """Requests/s, processed tokens/s, those of the run's prompts alone, share of the time spent sampling, and the context chosen."""
    backend = LlamaCppBackend(path, "-", n_seq=rows, threads=threads, lanes=lanes)
    began = clock()
    answered = sum(c.finish in ("stop", "length") for c in backend.generate(iter(work.contexts), lambda: False))
    seconds = clock() - began
    if answered != work.rows:
        raise SystemExit(f"{work.rows - answered} of {work.rows} rows were not answered")
    counters = backend.counters
    sampling = counters["sampling"] / (counters["sampling"] + counters["decoding"])
    side_by_side = int(str(backend.settings()["lanes"]))
    prompts = side_by_side * counters["prompt_tokens"] / counters["prompt_seconds"]
    shown = f"{side_by_side} lanes, {backend.settings()['n_ctx']} cells"
    backend.close()
    return answered / seconds, counters["tokens"] / seconds, prompts, sampling, shown


@dataclass(slots=True)
class Summary:
    """One line of the last table: requests/s of the loops and of each number of rows in flight."""

    name: str
    mixed: float
    grouped: float
    rate: float
    ours: dict[int, tuple[float, float, float]]

    def line(self) -> str:
        """The line; the best speed as multiples of the loops, its tokens/s as a share of both prompt rates."""
        best, tokens, prompts = max(self.ours.values())
        cells = [f"{self.mixed:.2f}", f"{self.grouped:.2f}", *(f"{speed:.2f}" for speed, *_ in self.ours.values())]
        shown = f"{best / self.mixed:.1f}x / {best / self.grouped:.1f}x | {tokens / self.rate:.0%} of {self.rate:,.0f}"
        shown += f" | {tokens / prompts:.0%} of {prompts:,.0f}"
        return f"| {self.name} | {' | '.join(cells)} | {shown} |"


def report(path: Path, options: argparse.Namespace, prefix: int) -> Iterator[str | Summary]:
    """The lines of one table, and its summary. Fewer than MANY rows in flight are measured on a third of the rows."""
    clock = time.process_time if options.clock == "cpu" else time.perf_counter
    model = Model(path, 0)
    window = model.train_ctx
    work = make_work(
        lambda text: len(model.vocab.tokenise(text)), options.contexts, options.rows, prefix, options.turn, options.out
    )
    model.close()
    if prefix + 2 * options.turn + options.out > window:
        yield f"\n{path.name}: a prefix of {prefix} tokens leaves no room in its window of {window}"
        return
    yield f"\n{path.name}: {work.rows} rows in {len(work.contexts)} contexts, prefix about {prefix} tokens, window {window}"
    rates = [
        prompt_rate(path, options.threads, clock, min(512, window), ours) for ours in sorted({False, not why_missing()})
    ]
    rate = max(rates)
    yield f"prompt processing alone: {' and '.join(f'{found:.0f}' for found in rates)} tokens/s (llama.cpp's attention, ours)"
    mixed, grouped = baselines(path, work.first(options.baseline_rows), options.threads, clock)
    yield "| how | requests/s | x row by row | x grouped | tokens/s | of prompt rate | of its prompts' | sampling |"
    yield "|---|---|---|---|---|---|---|---|"
    yield f"| Llama, row by row | {mixed:.2f} | 1.0 | {mixed / grouped:.1f} | | | | |"
    yield f"| Llama, grouped by context | {grouped:.2f} | {grouped / mixed:.1f} | 1.0 | | | | |"
    summary = Summary(f"{path.stem}, {prefix}", mixed, grouped, rate, {})
    for count in options.n:
        part = work if count >= MANY else work.first(work.rows // 3)
        speed, tokens, prompts, sampling, shown = ours(path, part, count, options.threads, options.lanes, clock)
        summary.ours[count] = (speed, tokens, prompts)
        yield (
            f"| ours, N = {count}, {shown} | {speed:.2f} | {speed / mixed:.1f} | {speed / grouped:.1f} | {tokens:.0f} "
            f"| {tokens / rate:.0%} | {tokens / prompts:.0%} | {sampling:.0%} |"
        )
    yield summary


def shipped(path: Path, options: argparse.Namespace) -> Iterator[str]:
    """The engine alone on the shipped recipe's requests, and how far that is from the whole command."""
    work = shipped_work(sentences_of(options.sentences, options.take))
    backend = LlamaCppBackend(path, "-", threads=options.threads, lanes=options.lanes)
    began = time.perf_counter()
    done = list(backend.generate(iter(work), lambda: False))
    rate = len(done) / (time.perf_counter() - began)
    backend.close()
    read, shared, wrote = (
        sum(getattr(c, name) for c in done) / len(done) for name in ("prompt_tokens", "cached_tokens", "output_tokens")
    )
    yield f"{path.stem}, {RECIPE}, {options.take} sentences, {len(done)} requests in {len(work)} contexts"
    yield f"{rate:.3f} requests/s by the engine alone; a request: prompt {read:.0f} tokens, {shared:.0f} shared, answer {wrote:.1f}"
    if options.beside:
        lines = json.loads(options.beside.read_text(encoding="utf-8"))
        told = (line for line in lines if (line["model"], line["sentences"]) == (path.stem, options.take))
        whole = next((line["rate"] for line in told if line["how"] == "ours"), None)
        if whole is None:
            raise SystemExit(f"{options.beside} has no figure for {path.stem} and {options.take} sentences")
        yield f"{whole:.3f} requests/s by the whole command: {whole / rate:.0%} of the engine alone"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="path of a GGUF, or random-135m or random-1b")
    parser.add_argument("--n", type=int, nargs="+", default=[1, 4, 8, 16, 32, 64], help="rows in flight")
    parser.add_argument("--prefix", type=int, nargs="+", default=[300], help="prefix lengths in tokens")
    parser.add_argument("--contexts", type=int, default=4)
    parser.add_argument("--rows", type=int, default=40, help="rows per context (a third of them for N < 16)")
    parser.add_argument("--turn", type=int, default=25, help="tokens per sentence")
    parser.add_argument("--out", type=int, default=24, help="tokens per answer, at most")
    parser.add_argument("--baseline-rows", type=int, default=24, help="rows of the slow loops")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--lanes", type=int, default=0, help="decoders side by side (0: as the engine chooses)")
    parser.add_argument(
        "--clock", choices=["wall", "cpu"], default="wall", help="cpu: on a busy machine, with 1 thread"
    )
    parser.add_argument("--sentences", type=Path, help="measure the shipped recipe on sentences of this file instead")
    parser.add_argument("--take", type=int, default=200, help="with --sentences: how many of them")
    parser.add_argument("--beside", type=Path, help="with --sentences: what bench_user.py --out wrote")
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {options.threads} threads, {options.clock} time")
    if options.sentences:
        for text in shipped(Path(options.model), options):
            print(text, flush=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(options.model)
        if options.model.startswith("random-"):
            from random_model import SHAPES, write

            path = Path(folder) / f"{options.model}-q8_0.gguf"
            write(path, SHAPES[options.model.removeprefix("random-")])
        summaries = []
        for prefix in options.prefix:
            for line in report(path, options, prefix):
                if isinstance(line, Summary):
                    summaries.append(line)
                else:
                    print(line, flush=True)
    names = [
        "model, prefix tokens",
        "row by row",
        "grouped",
        *(f"N={n}" for n in options.n),
        "best",
        "of the prompt rate",
        "of the run's own prompts",
    ]
    print(f"\nrequests/s\n| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for summary in summaries:
        print(summary.line())


if __name__ == "__main__":
    main()
