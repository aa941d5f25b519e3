"""What a user waits for: whole commands, cold start to finished store, beside what one would use instead. One table.

Ours is `syncse generate` with the shipped recipe over N sentences. Beside it, on the same prompts and sampling: (a) a loop over
`llama_cpp.Llama`; (b) llama-server of the very llama.cpp that llama-cpp-python brings, with 16 slots and prompt caching,
asked by 16 clients in our order, prompt by prompt; (c) the same server through `syncse generate --backend openai_compat`.
The slow ones are measured for --seconds; the table says on how many rows, and rates are compared. Their loading and the
server's start are not counted against (a) and (b); ours and (c) count all. The server is built once into --server DIR.

    python scripts/bench_user.py SmolLM2.gguf gemma-3.gguf --sentences notes.txt --n 200 2000 --server ~/llama-server
    python scripts/bench_user.py SmolLM2.gguf gemma-3.gguf --sentences notes.txt --server ~/llama-server --quick
"""

import argparse
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from queue import Empty, SimpleQueue

from bench_work import RECIPE, prompts_of, sentences_of, shipped_work

from syncse_local.records import Row
from syncse_local.synthesis.contexts import by_rows
from syncse_local.synthesis.recipe import load_recipe

SYNCSE = str(Path(sys.executable).with_name("syncse"))
CLIENTS = 16
CELLS = 1024
"""Of one slot of the server: a prompt of the recipe has some 300 tokens, an answer 96 at most."""
QUICK = 60.0
"""Seconds of each baseline with --quick: 12 minutes for two models of this size on two cores."""
Prompt = tuple[str, Row, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Measured:
    """One line of the table: requests answered in so many seconds."""

    model: str
    sentences: int
    how: str
    rows: int
    seconds: float
    note: str = ""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.rows / self.seconds if self.seconds else 0.0


def command(folder: Path, words: list[str]) -> tuple[float, str]:
    """Seconds of one `syncse generate`, and its worker's peak memory beside the forecast."""
    peak = [0]
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(str(folder), peak, done))
    watcher.start()
    began = time.perf_counter()
    ended = subprocess.run(
        [SYNCSE, "generate", *words, "-w", str(folder), "--json"], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    done.set()
    watcher.join()
    if (
        ended.returncode and "No triplet was accepted" not in ended.stdout
    ):  # of few sentences it may be so; they were answered
        raise SystemExit(f"syncse generate {' '.join(words)}: {(ended.stderr or ended.stdout)[-800:]}")
    forecast = re.search(r"= ([\d.]+) GiB; [\d.]+ GiB (?:are|is) free", ended.stdout)
    said = f"peak {peak[0] / 2**20:.2f} GiB"
    return seconds, f"{said}, forecast {forecast[1]}" if forecast else said


def _watch(folder: str, peak: list[int], done: threading.Event) -> None:
    """Keep the most memory (KiB) that a worker of this workspace has held."""
    while not done.wait(0.5):
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                if folder in (status.parent / "cmdline").read_text(errors="replace"):
                    held = re.search(r"VmHWM:\s*(\d+)", status.read_text())
                    peak[0] = max(peak[0], int(held[1]) if held else 0)
            except OSError:
                continue  # it has ended meanwhile


def loop(path: Path, prompts: list[Prompt], threads: int, seconds: float) -> tuple[int, float]:
    """(a) Rows that `llama_cpp.Llama` answers one by one, and the time; loading is not counted."""
    from llama_cpp import Llama

    llama = Llama(str(path), n_ctx=2048, n_threads=threads, n_threads_batch=threads, verbose=False)
    began, count = time.perf_counter(), 0
    for prompt, row, stops in prompts:
        s = row.sampling
        llama.create_completion(
            prompt, max_tokens=s.max_tokens, temperature=s.temperature, top_p=s.top_p, top_k=0, min_p=0.0, seed=row.seed,
            repeat_penalty=1.0, stop=list(stops),
        )  # fmt: skip
        count += 1
        if time.perf_counter() - began > seconds:
            break
    spent = time.perf_counter() - began
    llama.close()
    return count, spent


def built(cache: Path) -> Path:
    """The llama-server of the installed llama-cpp-python's own sources, built into the cache the first time."""
    version = metadata.version("llama_cpp_python")
    target = cache / "build" / "bin" / "llama-server"
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    wanted = f"llama_cpp_python=={version}"
    name = f"llama_cpp_python-{version}"
    if not (cache / f"{name}.tar.gz").exists() and not (cache / name).exists():
        get = ["download", "--no-deps", "--no-build-isolation", "--no-binary", ":all:", "--dest", str(cache), wanted]
        subprocess.run([sys.executable, "-m", "pip", *get], check=True)
    if not (cache / name).exists():
        subprocess.run(["tar", "xzf", f"{name}.tar.gz"], cwd=cache, check=True)
    off = ("TESTS", "EXAMPLES", "APP", "UI")
    flags = [*(f"-DLLAMA_BUILD_{part}=OFF" for part in off), "-DLLAMA_USE_PREBUILT_UI=OFF", "-DLLAMA_OPENSSL=OFF"]
    source = cache / name / "vendor" / "llama.cpp"
    make = ["cmake", "-S", str(source), "-B", str(cache / "build"), "-DCMAKE_BUILD_TYPE=Release"]
    subprocess.run([*make, "-DBUILD_SHARED_LIBS=OFF", *flags], check=True)
    subprocess.run(["cmake", "--build", str(cache / "build"), "--target", "llama-server", "-j", "2"], check=True)
    return target


@contextmanager
def server(binary: Path, path: Path, threads: int) -> Iterator[int]:
    """The port of a running llama-server with CLIENTS slots; it ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    words = ["-m", str(path), "-np", str(CLIENTS), "-cb", "-c", str(CLIENTS * CELLS), "-t", str(threads), "--jinja"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [str(binary), *words, "--host", "127.0.0.1", "--port", str(port)], stdout=log, stderr=log
        )
        try:
            for _ in range(600):
                if process.poll() is not None or _healthy(port):
                    break
                time.sleep(0.5)
            if not _healthy(port):
                log.seek(0)
                raise SystemExit(f"llama-server did not start: {log.read()[-800:].decode('utf-8', 'replace')}")
            yield port
        finally:
            process.terminate()
            process.wait()


def _healthy(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False


def clients(port: int, prompts: list[Prompt], seconds: float) -> tuple[int, float]:
    """(b) Rows that the server answers to CLIENTS clients, and the time to the last answer that came within it."""
    waiting: SimpleQueue[Prompt] = SimpleQueue()
    for prompt in prompts:
        waiting.put(prompt)
    ends: list[float] = []
    began = time.perf_counter()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        while time.perf_counter() - began < seconds:
            try:
                text, row, stops = waiting.get_nowait()
            except Empty:
                return
            s = row.sampling
            body = {
                "prompt": text, "n_predict": s.max_tokens, "temperature": s.temperature, "top_p": s.top_p, "top_k": 0,
                "min_p": 0.0, "seed": row.seed, "stop": list(stops), "cache_prompt": True,
            }  # fmt: skip
            connection.request("POST", "/completion", json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                raise SystemExit(f"llama-server says {answer.status}: {said[:300]!r}")
            ends.append(time.perf_counter() - began)

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(ends), max(ends, default=0.0)


def measured(path: Path, count: int, options: argparse.Namespace, binary: Path | None) -> Iterator[Measured]:
    """The lines of one model and one number of sentences, ours first."""
    sentences = sentences_of(options.sentences, count)
    prompts = prompts_of(path, shipped_work(sentences))
    contexts = by_rows(load_recipe(RECIPE), count)

    def line(how: str, rows: int, seconds: float, note: str = "") -> Measured:
        return Measured(path.stem, count, how, rows, seconds, note)

    with tempfile.TemporaryDirectory(prefix="bench-user-") as name:
        folder = Path(name)
        notes = folder / "notes.txt"
        notes.write_text("\n".join(sentences) + "\n", encoding="utf-8")
        words = [str(notes), "--recipe", RECIPE, "--max-failure-rate", "1"]
        seconds, memory = command(folder / "ours", [*words, "--model", str(path), "--threads", str(options.threads)])
        yield line("ours", len(prompts), seconds, memory)
        yield line("(a) Llama in a loop", *loop(path, prompts, options.threads, options.seconds))
        if binary:
            with server(binary, path, options.threads) as port:
                rows, seconds = clients(port, prompts, options.seconds)
                yield line("(b) llama-server, 16 clients", rows, seconds)
            few = min(count, max(CLIENTS, round(rows / seconds * options.seconds / 2)))
            more = [
                "--limit",
                str(few),
                "--contexts",
                str(contexts),
                "--backend",
                "openai_compat",
                "--model",
                path.name,
            ]
            more += ["--backend-option", f"concurrency={CLIENTS}", "--backend-option", "timeout_s=600"]
            with server(binary, path, options.threads) as port:  # anew, or it would know the prompts already
                more += ["--base-url", f"http://127.0.0.1:{port}/v1"]
                seconds, _ = command(folder / "server", [*words, *more])
                yield line("(c) the same, through openai_compat", 2 * few, seconds)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+", help="GGUF files")
    parser.add_argument("--sentences", type=Path, required=True, help="a file with enough sentences")
    parser.add_argument("--n", type=int, nargs="+", default=[200, 2000], help="sentences")
    parser.add_argument(
        "--server", type=Path, help="folder for llama-server, built there the first time; none: no (b), (c)"
    )
    parser.add_argument("--seconds", type=float, default=300.0, help="how long each baseline is measured")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--quick", action="store_true", help=f"200 sentences, {QUICK:.0f} s of each baseline")
    parser.add_argument("--out", type=Path, help="also as JSON, for bench_generation.py --beside")
    options = parser.parse_args()
    if options.quick:
        options.n, options.seconds = [200], QUICK
    binary = built(options.server.expanduser().resolve()) if options.server else None
    print(
        "| model | sentences | how | requests | seconds | requests/s | ours is | |\n|---|---|---|---|---|---|---|---|"
    )
    found: list[Measured] = []
    for path in options.models:
        for count in options.n:
            own = 0.0
            for line in measured(path.resolve(), count, options, binary):
                own = own or line.rate
                found.append(line)
                shown = f"{line.rows} | {line.seconds:.1f} | {line.rate:.3f} | {own / line.rate:.2f}x | {line.note}"
                print(f"| {line.model} | {line.sentences} | {line.how} | {shown} |", flush=True)
    if options.out:
        options.out.write_text(json.dumps([asdict(line) | {"rate": line.rate} for line in found], indent=1) + "\n")


if __name__ == "__main__":
    main()
