"""`syncse train`: start a training run and follow it."""

import argparse
import time
from pathlib import Path
from typing import Any

from syncse_local.api import Workspace
from syncse_local.cli.common import (
    begun,
    existing,
    force_flag,
    job_flags,
    named,
    parser,
    reading_flags,
    room,
    settings,
    take_part,
    workspace,
)
from syncse_local.cli.follow import follow
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.tasks import resolve
from syncse_local.paths import starter_encoder
from syncse_local.specs.choices import POOLINGS
from syncse_local.specs.train import FALSE_NEGATIVE_LIMIT, SELECTIONS, TrainSpec
from syncse_local.text.ingest import open_input, reading
from syncse_local.training.options import TrainOptions, check_lora_installed
from syncse_local.training.preflight import check_train

NUMBERS: dict[str, type] = {
    "batch_size": int,
    "learning_rate": float,
    "epochs": int,
    "max_steps": int,
    "max_length": int,
    "temperature": float,
    "hard_negative_weight": float,
    "mlm_weight": float,
    "mlm_rate": float,
    "eval_every": int,
    "patience": int,
    "checkpoint_every": int,
    "seed": int,
    "warmup_ratio": float,
    "weight_decay": float,
    "max_grad_norm": float,
    "chunk_tokens": int,
    "graph_gib": float,
    "lora_rank": int,
    "lora_alpha": float,
}


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs, "train", "train a sentence encoder on triplets", "syncse train --from g1124-0a1b2c --epochs 3", run
    )
    job_flags(made)
    made.add_argument("--output", metavar="DIR", help="where the trained encoder goes (default: WORKSPACE/models/NAME)")
    training_flags(made)


def training_flags(made: argparse.ArgumentParser) -> None:
    """Flags of verbs that train: the data, the encoder, the dev set, the numbers."""
    made.add_argument(
        "--from", dest="runs", metavar="RUN", nargs="+", help="generate runs whose accepted triplets to use"
    )
    made.add_argument("--data", metavar="FILE", help="or a file with anchor, positive and negative columns")
    made.add_argument(
        "--encoder",
        metavar="NAME",
        help="the encoder to start from: a directory, or a name of `syncse models` (default: starter)",
    )
    chosen = made.add_mutually_exclusive_group()
    chosen.add_argument(
        "--select",
        choices=SELECTIONS,
        help="the dev set that chooses the best step; both: the mean of STS-B and SICK-R dev (default: starter-dev)",
    )
    chosen.add_argument(
        "--dev", nargs="*", metavar="TASK", help="or these STS tasks, the mean of several; none: the last"
    )
    made.add_argument("--senteval", metavar="DIR", help="SentEval's data directory, for STS-B and SICK-R dev")
    made.add_argument("--limit", type=int, default=0, help="use only the first N triplets")
    made.add_argument("--unfiltered", action="store_true", help="with --from: also what the runs' filters drop")
    made.add_argument(
        "--keep-contaminated", action="store_true", help="train also on triplets with a sentence of an evaluation set"
    )
    made.add_argument("--pooling", help=f"{', '.join(POOLINGS)} (default: cls; a decoder needs last_token or avg)")
    made.add_argument(
        "--unsupervised",
        metavar="FILE",
        nargs="?",
        const="",
        help="SimCSE's dropout pairs: the sentences of FILE, or the anchors of --from or --data, without positives",
    )
    made.add_argument("--device", help="auto, cpu, cuda or mps")
    made.add_argument("--precision", help="fp32, bf16, or auto: bf16 on a GPU that computes it")
    force_flag(made)
    made.add_argument(
        "--no-duplicates",
        action="store_true",
        help="no two rows of a batch share a text: they would be false negatives",
    )
    made.add_argument(
        "--false-negative-limit",
        type=float,
        nargs="?",
        const=FALSE_NEGATIVE_LIMIT,
        default=0.0,
        metavar="COS",
        help="other rows' candidates nearer to the anchor than this, by the encoder as it was, are no negatives"
        f" (without a number: {FALSE_NEGATIVE_LIMIT})",
    )
    reading_flags(made, triplets=True)
    numbers = made.add_argument_group("numbers of the training (docs/guide/training.md)")
    for name, kind in NUMBERS.items():
        flag, default = f"--{name.replace('_', '-')}", getattr(TrainOptions, name)
        numbers.add_argument(flag, type=kind, metavar="N", dest=f"train_{name}", help=f"default: {default:g}")


def run(options: argparse.Namespace) -> ExitCode:
    """Start the training run and follow it; under `torchrun`, as any rank but the first, take part in it."""
    check_source(options)
    take_part(options)
    with workspace(options) as opened:
        name = options.name or time.strftime("encoder-%m%d-%H%M%S")
        started = opened.start("train", plan(opened, options, options.output or str(opened.default_output(name))), name)
        return begun(started, options.json) if options.detach else follow(opened, started, options.json)


def check_source(options: argparse.Namespace) -> None:
    """Raise SyncseError (USAGE) unless the flags name one thing to train on."""
    if sum(map(bool, (options.runs, options.data, options.unsupervised))) != 1:
        detail = "Exactly one of --from, --data and --unsupervised FILE is needed."
        raise SyncseError("What to train on?", detail, "Add --from RUN, or --data FILE.", ExitCode.USAGE)


def plan(opened: Workspace, options: argparse.Namespace, output: str) -> dict[str, Any]:
    """The options of a train run, checked. Raises SyncseError (USAGE, PREFLIGHT)."""
    changes = {key: value for key in NUMBERS if (value := getattr(options, f"train_{key}")) is not None}
    changes |= {"pooling": options.pooling} if options.pooling else {}
    changes |= {"no_duplicates": True} if options.no_duplicates else {}
    changes |= {"false_negative_limit": limit} if (limit := options.false_negative_limit) else {}
    changes |= {"unsupervised": options.unsupervised is not None}
    made = request(settings(options), output, changes, options.force)
    made |= {"dev": _dev(options), "limit": options.limit}
    made |= {"keep_contaminated": True} if options.keep_contaminated else {}
    if options.runs:
        made |= {"unfiltered": True} if options.unfiltered else {}
        made["runs"] = [opened.run(name).id for name in options.runs]
    else:
        made |= {
            "data": existing(options.data or options.unsupervised, "data"),
            "column": options.column,
            "encoding": options.encoding,
            **reading(vars(options)),
        }
        open_input(made["data"], **reading(made), complete=not changes["unsupervised"])
    return made


def _dev(options: argparse.Namespace) -> list[str]:
    """The names of the dev sets, checked."""
    names = options.dev if options.dev is not None else SELECTIONS[options.select or "starter-dev"]
    return [task.name for task in resolve(names)]


def request(chosen: Settings, output: str, training: dict[str, Any], force: bool = False) -> dict[str, Any]:
    """The part of the options that every training run has, checked; `force` leaves the memory unchecked."""
    encoder = named(chosen.encoder or str(starter_encoder()), chosen, "encoder", "train")
    training = {**training, "device": chosen.device}
    if chosen.precision != "auto":
        training["precision"] = chosen.precision
    if training.get("lora_rank"):
        check_lora_installed()
    spec = TrainSpec(encoder=encoder, output=output, **training)
    checked = TrainOptions.of_spec(spec, Path(output))
    if not force:
        check_train(checked, room())
    senteval = existing(chosen.senteval, "SentEval directory") if chosen.senteval else ""
    made = {"encoder": encoder, "output": str(Path(output).resolve()), "training": training, "senteval": senteval}
    if chosen.reranking:  # for the contamination gate
        made["reranking"] = existing(chosen.reranking, "reranking directory")
    return {**made, **({"force": True} if force else {})}
