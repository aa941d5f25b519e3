"""Command lines, and the options of the runs that each would start: written down once with version 0.1.0, compared since.

`python -m tests.unit.command_lines FILE` writes them down; no worker is started.
"""

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from syncse_local.cli.main import main
from syncse_local.jobs import supervise
from syncse_local.store import predictions, runs
from syncse_local.store.database import connect, writing
from syncse_local.synthesis.recipe import load_recipe

REPO = Path(__file__).resolve().parents[2]
SHARED = """
[[generators]]
name = "one"
weight = 2.0
[[generators]]
name = "two"
model = "starter-llm"
"""
LINES = """
generate notes.txt
generate notes.txt --limit 3 --samples 2 --seed 7 --temperature 0.5 --name mine
generate notes.csv --column text --encoding latin-1
generate notes.txt --recipe syncse-partial --threads 1 --n-ctx 2048 --backend-option n_seq=4 --backend-option kv_type=f32
generate --recipe starter-scratch --count 5
generate --recipe starter-scratch --count 5 --limit 3 --column text
generate notes.txt --recipe own.toml --count 4
generate notes.txt --recipe shared.toml --generator two --shard 02/8
generate notes.txt --shard 1/2 --max-failure-rate 0.5 --force
generate notes.txt --backend openai_compat --model m --base-url http://127.0.0.1:9/v1,http://localhost:8/v1
generate notes.txt --backend openai_compat --model m --base-url http://far.example/v1 --allow-remote
train --from g0101 --encoder ENCODER
train --from g0101 g0102 --epochs 3 --learning-rate 1e-4 --batch-size 64 --unfiltered --keep-contaminated
train --data triplets.csv --column anchor --encoding utf-8 --limit 10 --output out --device cpu --precision bf16
train --data triplets.csv --unsupervised --pooling avg
train --unsupervised notes.txt --seed 3 --patience 2 --no-duplicates --false-negative-limit --force
train --data triplets.csv --false-negative-limit 0.9 --select both --senteval senteval
train --data triplets.csv --dev STSB-dev STS12 --lora-alpha 0 --max-steps 5 --max-length 16 --temperature 0.1
train --data triplets.csv --dev --hard-negative-weight -1 --mlm-weight 0.1 --mlm-rate 0.2 --eval-every 5
train --data triplets.csv --select none --checkpoint-every 9 --warmup-ratio 0.1 --weight-decay 0.01 --max-grad-norm 2
train --data triplets.csv --chunk-tokens 512 --graph-gib 1
eval
eval ENCODER --senteval senteval --reranking reranking --device cpu
eval ENCODER --tasks starter STS12 transfer --pooling avg --max-length 16 --no-cache
eval ENCODER --cache-mb 7 --name mine
compare e0101 e0102 --detach
compare base=e0101 mine=e0102 --tasks starter --metric spearman --draws 200 --seed 3 --method percentile --name c --detach
report g0101 --detach
report g0101 g0102 g0101 --sample 50 --seed 2 --encoder ENCODER --unfiltered --device cpu --senteval senteval --detach
filter g0101 --set judge.model="STARTER"
filter g0101 --set cosine.encoder="ENCODER" --device cpu --senteval senteval --reranking reranking --dry-run
run --no-filters
run notes.txt --no-filters --limit 4 --epochs 2 --learning-rate 5e-5 --seed 42 --samples 1 --pooling cls --device cpu
run --no-filters --recipe starter-scratch --count 5 --precision fp32 --encoder ENCODER --senteval senteval --force
run notes.txt --recipe shared.toml --no-filters --shard 1/3 --backend-option n_seq=4 --n-ctx 2048
run notes.csv --no-filters --column text --encoding latin-1 --reranking reranking
calibrate --data triplets.csv --seeds 2
calibrate --data triplets.csv --seeds 2 --seed 5 --epochs 1 --tasks starter STSB-dev --senteval senteval --select both
calibrate --from g0101 --seeds 3 --unsupervised --reranking reranking
""".strip().splitlines()
WRONG = """
generate
generate nowhere.txt
generate notes.txt --recipe startr
generate notes.txt --recipe shared.toml
generate notes.txt --recipe shared.toml --generator three
generate notes.txt --generator one
generate --recipe starter-scratch
generate notes.txt --shard 9/8
generate notes.txt --model nowhere.gguf
generate notes.txt --backend openai_compat
generate notes.txt --backend openai_compat --model m --base-url http://far.example/v1
generate notes.txt --backend-option n_seq
generate notes.txt --backend-option n_seqq=3
generate notes.txt --samples 0
generate notes.txt --column nothing
generate notes.txt --senteval nowhere
generate notes.txt --threads many
train
train --data triplets.csv --from g0101
train --data nowhere.csv
train --data triplets.csv --epochs 0
train --data triplets.csv --pooling sum
train --data triplets.csv --device tpu
train --data triplets.csv --precision fp8
train --data triplets.csv --select best
train --data triplets.csv --dev STS99
train --data triplets.csv --encoder nowhere
train --from g9999
eval nowhere
eval --tasks STS99
eval --max-length 2
eval --cache-mb -1
compare e0101
compare e0101 e0101
compare e0101 e0102 --draws 5
compare e0101 e0102 --metric speerman
report e0101
report g0101 --sample 5
report g0101 --encoder nowhere
filter e0101
filter g0101 --set lexical=1
filter g0101 --set lexical.max=1
filter g0101 --senteval nowhere
calibrate
calibrate --data triplets.csv --seeds 1
run nowhere.txt
run --pooling sum --no-filters
""".strip().splitlines()


@contextmanager
def home(folder: Path) -> Iterator[None]:
    """A directory with small inputs and a workspace with finished runs, and nothing of this machine's user in sight."""
    files = {
        "notes.txt": "A dog runs.\nRain falls on the town.\nTwo men talk.\nShe reads a book.\n",
        "notes.csv": "id,text\n1,A dog runs.\n2,Rain falls.\n",
        "triplets.csv": "anchor,positive,negative\nA dog runs.,A dog is running.,A dog sleeps.\n",
        "own.toml": 'mode = "mixed"\ncontexts_per_1000 = 20.0\nscratch_share = 0.4\n',
        "shared.toml": SHARED,
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("senteval", "reranking"):
        (folder / name).mkdir()
    (folder / "workspace").mkdir()
    connection = connect(folder / "workspace" / "syncse.db")
    recipe = load_recipe("starter")
    for number in (1, 2):
        _finished(connection, "generate", f"g010{number}-aaaaaa", {"recipe": recipe.to_dict()}, {"triplets": 9})
        result = {"label": f"e{number}", "weights_sha256": f"w{number}"}
        _finished(connection, "eval", f"e010{number}-aaaaaa", {"encoder": f"e{number}"}, result)
        column = predictions.column(f"e010{number}-aaaaaa", "starter", "spearman", "i" * 64, [0.1, 0.2, 0.3])
        predictions.add(connection, [column])
    connection.close()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SYNCSE_", "XDG_"))}
    with patch.dict(os.environ, {**kept, "HOME": str(folder)}, clear=True), chdir(folder):
        yield


def _finished(connection: Any, kind: str, run_id: str, options: dict[str, Any], result: dict[str, Any]) -> None:
    made = runs.create(connection, kind, options)
    with writing(connection):
        connection.execute("UPDATE run SET id = ?, created = 1 WHERE id = ?", (run_id, made.id))
    runs.move(connection, run_id, "queued", "running")
    runs.finish(connection, run_id, "done", **result)


def done_at_once(workspace: Path, run_id: str, *_: object) -> None:
    """Instead of a worker: the run is done, with what the commands of several runs read of it."""
    connection = connect(supervise.database(workspace))
    options = runs.get(connection, run_id).options
    runs.move(connection, run_id, "queued", "running")
    runs.finish(connection, run_id, "done", output=options.get("output", ""), triplets=1, planned=2)
    connection.close()


def runs_of(line: str, folder: Path) -> list[list[Any]]:
    """[kind, name, options] of each run that the line starts, in order, without what differs from machine to machine."""
    words = _words(line)
    connection = connect(folder / "workspace" / "syncse.db")
    before = {run.id for run in runs.recent(connection, 10_000)}
    lacking = patch("syncse_local.triplets.Triplets.lacks_measurements", lambda *_: True)  # so that filter measures
    with patch("syncse_local.jobs.supervise.launch", done_at_once), lacking:
        main(words)
    new = sorted((run for run in runs.recent(connection, 10_000) if run.id not in before), key=lambda run: run.created)
    found = [[run.kind, run.name, run.options] for run in new]
    connection.close()
    text = json.dumps(found, sort_keys=True)
    for path, name in ((folder.resolve(), "TMP"), (folder, "TMP"), (REPO, "REPO")):
        text = text.replace(str(path), name)
    text = re.sub(r"\b([a-z])\d{4}-(?!aaaaaa)[0-9a-f]{6}\b", r"\1-ID", text)
    text = re.sub(r"calibration-[0-9a-f]{8}", "calibration-DIGEST", text)
    text = re.sub(r' [0-9a-f]{8}"', ' DIGEST"', text)
    text = re.sub(r"encoder-\d{4}-\d{6}", "encoder-NOW", text)
    read: list[list[Any]] = json.loads(text)
    for _, _, options in read:
        for name in {"recipe", "filters"} & set(options):
            options[name] = hashlib.sha256(json.dumps(options[name], sort_keys=True).encode()).hexdigest()
    return read


def error_of(line: str, folder: Path) -> dict[str, Any] | None:
    """The error that the line ends in, None where it starts a run, without what differs from machine to machine."""
    told: list[dict[str, Any]] = []
    with (
        patch("syncse_local.jobs.supervise.launch", done_at_once),
        patch("syncse_local.cli.program.print_error", lambda error, as_json: told.append(error.as_dict())),
    ):
        main(_words(line))
    if not told:
        return None
    (error,) = told
    return json.loads(json.dumps(error).replace(str(folder), "TMP").replace(str(REPO), "REPO"))  # type: ignore[no-any-return]


def _words(line: str) -> list[str]:
    places = {"ENCODER": REPO / "models" / "starter-encoder", "STARTER": REPO / "models/starter-llm/starter-llm.gguf"}
    for name, path in places.items():
        line = line.replace(name, str(path))
    return line.split()


def captured() -> dict[str, Any]:
    """All lines with their runs or their error."""
    found: dict[str, Any] = {}
    for line in [*LINES, *WRONG]:
        with tempfile.TemporaryDirectory() as name, home(Path(name)):
            found[line] = (runs_of if line in LINES else error_of)(line, Path(name))
    return found


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(captured(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
