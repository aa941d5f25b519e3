"""Pre-train the starter encoder: a small BERT, from random weights, by masked language modelling only; then export it.

    python scripts/train_starter_encoder.py --data DATA --work WORK --steps 3000
    python scripts/train_starter_encoder.py --work WORK --export models/starter-encoder

Goes on from the checkpoint in WORK; the same options give the same weights. Knows nothing of sentence embeddings.
"""

import argparse
import json
import math
import shutil
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from starter_corpus import Corpus
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForMaskedLM, BertModel, PreTrainedTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAD, CLS, SEP, MASK = 0, 2, 3, 4
IGNORED = -100
CONFIG = BertConfig(
    vocab_size=8192,
    hidden_size=256,
    num_hidden_layers=5,
    num_attention_heads=4,
    intermediate_size=1024,
    max_position_embeddings=128,
    pad_token_id=PAD,
    # The learning passes over the corpus about once, where dropout only slows it; the exported config has 0.1.
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    attn_implementation="eager",  # type: ignore[call-arg]  # on short rows twice as fast on a CPU once compiled
)
LONGEST = 64  # tokens of one sentence
WARMUP = 200  # steps
FRAMED = 30_000  # sentences made from the starter frames
HOLD_OUT = 200  # one sentence of so many is kept for measuring


def train_tokenizer(sentences: list[str], path: Path) -> Tokenizer:
    """Lower-cased WordPiece over the corpus, with BERT's special tokens; written once, then read."""
    if path.exists():
        return Tokenizer.from_file(str(path))
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    trainer = trainers.WordPieceTrainer(
        vocab_size=CONFIG.vocab_size, special_tokens=SPECIAL, limit_alphabet=400, show_progress=False
    )
    tokenizer.train_from_iterator(sentences, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)],
    )
    tokenizer.save(str(path))
    return tokenizer


def groups_of(lengths: torch.Tensor, epoch: int, tokens: int) -> list[torch.Tensor]:
    """One epoch's batches, as row numbers: sorted by length with shuffled ties, at most `tokens` padded, shuffled."""
    generator = torch.Generator().manual_seed(epoch)
    order = torch.randperm(len(lengths), generator=generator)
    order = order[torch.sort(lengths[order], stable=True).indices]
    groups, start = [], 0
    for end in range(1, len(order) + 1):
        if end == len(order) or (end + 1 - start) * int(lengths[order[end]]) > tokens:
            groups.append(order[start:end])
            start = end
    return [groups[i] for i in torch.randperm(len(groups), generator=generator).tolist()]


def masked(ids: torch.Tensor, rate: float, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(input ids, targets): `rate` of the ordinary tokens hidden, 80 % by [MASK], 10 % by any token, 10 % unchanged."""
    generator = torch.Generator().manual_seed(1_000_003 + step)
    draw = torch.rand(ids.shape, generator=generator)
    chosen = (draw < rate) & (ids > MASK)
    how = torch.rand(ids.shape, generator=generator)
    random = torch.randint(len(SPECIAL), CONFIG.vocab_size, ids.shape, generator=generator)
    hidden = torch.where(chosen & (how < 0.8), torch.full_like(ids, MASK), ids)
    hidden = torch.where(chosen & (how >= 0.9), random, hidden)
    return hidden, torch.where(chosen, ids, torch.full_like(ids, IGNORED))


def batches(rows: list[list[int]], tokens: int, start: int) -> Iterator[torch.Tensor]:
    """Endless (rows, length) id batches from step `start` on; which rows a step sees depends on nothing else."""
    lengths = torch.tensor([len(row) for row in rows])
    epoch = step = 0
    while True:
        for group in groups_of(lengths, epoch, tokens):
            if step >= start:
                picked = [rows[i] for i in group.tolist()]
                width = max(map(len, picked))
                yield torch.tensor([row + [PAD] * (width - len(row)) for row in picked])
            step += 1
        epoch += 1


def mlm_loss(model: BertForMaskedLM, body: torch.nn.Module, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy over the hidden tokens; logits are computed at those positions only."""
    wanted = targets != IGNORED
    with torch.autocast(ids.device.type, torch.bfloat16):
        hidden = body(input_ids=ids, attention_mask=(ids != PAD).long()).last_hidden_state
        logits = model.cls(hidden[wanted])
    return torch.nn.functional.cross_entropy(logits.float(), targets[wanted])


@torch.inference_mode()
def held_out_loss(model: BertForMaskedLM, rows: list[list[int]], options: argparse.Namespace) -> float:
    """MLM loss on sentences the training never sees, always with the same tokens hidden."""
    total, count = 0.0, 0
    steps = len(groups_of(torch.tensor([len(row) for row in rows]), 0, options.tokens))
    for step, ids in enumerate(islice(batches(rows, options.tokens, 0), steps)):
        hidden, targets = masked(ids, options.rate, -1 - step)
        wanted = int((targets != IGNORED).sum())
        device = model.device
        total += wanted * mlm_loss(model, model.bert, hidden.to(device), targets.to(device)).item()
        count += wanted
    return total / count


def rate_at(step: int, steps: int, peak: float) -> float:
    """Linear warm-up, then a cosine to a fiftieth of the peak."""
    if step < WARMUP:
        return peak * (step + 1) / WARMUP
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, (step - WARMUP) / max(1, steps - WARMUP)))))


class Checkpoint:
    """Weights, AdamW moments and the step, as one safetensors file."""

    def __init__(self, path: Path, model: BertForMaskedLM, optimizer: torch.optim.AdamW) -> None:
        self.path, self.model, self.optimizer = path, model, optimizer

    def save(self, step: int, loss: float) -> None:
        tensors = {}
        for name, parameter in self.model.named_parameters():  # tied weights once
            tensors[f"model.{name}"] = parameter.detach()
            for part, value in self.optimizer.state[parameter].items():
                tensors[f"optimizer.{name}.{part}"] = value
        scratch = self.path.with_suffix(".new")
        save_file(tensors, scratch, {"step": str(step), "loss": f"{loss:.4f}"})
        scratch.replace(self.path)

    def load(self) -> int:
        """The step to go on from; 0 where there is no checkpoint."""
        if not self.path.exists():
            return 0
        tensors = load_file(self.path)
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(tensors[f"model.{name}"])
                prefix = f"optimizer.{name}."
                state = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
                if state:
                    self.optimizer.state[parameter] = state
        with self.path.open("rb") as handle:
            header = json.loads(handle.read(int.from_bytes(handle.read(8), "little")))
        return int(header["__metadata__"]["step"])


def corpus_rows(data: Path, work: Path) -> list[list[int]]:
    """Token ids of every corpus sentence, evaluation sentences left out, duplicates once."""
    corpus = Corpus(data)
    sentences = list(dict.fromkeys([*corpus.nli, *corpus.captions, *corpus.wiki, *corpus.own, *corpus.framed(FRAMED)]))
    tokenizer = train_tokenizer(sentences, work / "tokenizer.json")
    rows = [encoding.ids for encoding in tokenizer.encode_batch(sentences)]
    rows = [row for row in rows if len(row) <= LONGEST]
    print(f"{len(rows)} sentences, {sum(map(len, rows)) / 1e6:.2f}M tokens", flush=True)
    return rows


def train(options: argparse.Namespace) -> None:
    """Train to `--steps` steps, saving every `--save-every`."""
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    every = corpus_rows(options.data, options.work)
    held_out, rows = every[::HOLD_OUT], [row for i, row in enumerate(every) if i % HOLD_OUT]
    model = BertForMaskedLM(CONFIG)
    model.to(device)  # type: ignore[arg-type]
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=options.peak, betas=(0.9, 0.98))
    checkpoint = Checkpoint(options.work / "checkpoint.safetensors", model, optimizer)
    first = step = checkpoint.load()
    body = torch.compile(model.bert, dynamic=True) if options.compile else model.bert
    started, tokens, smooth = time.time(), 0, 0.0
    for ids in batches(rows, options.tokens, first):
        if step >= options.steps:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, options.steps, options.peak)
        hidden, targets = masked(ids, options.rate, step)
        loss = mlm_loss(model, body, hidden.to(device), targets.to(device))  # type: ignore[arg-type]
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        smooth = loss.item() if smooth == 0.0 else 0.98 * smooth + 0.02 * loss.item()
        step, tokens = step + 1, tokens + ids.numel()
        if step % 50 == 0:
            speed = tokens / (time.time() - started)
            print(f"step {step} loss {smooth:.3f} tokens {tokens / 1e6:.2f}M {speed:.0f}/s", flush=True)
        if step % options.save_every == 0 or step == options.steps:
            print(f"step {step} held-out loss {held_out_loss(model, held_out, options):.3f}", flush=True)
            checkpoint.save(step, smooth)


def export(work: Path, target: Path) -> None:
    """Write config, fp16 safetensors (without the MLM head; the pooler is random) and the tokenizer."""
    torch.manual_seed(0)
    shape = BertConfig(**{**CONFIG.to_dict(), "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1})
    model = BertModel(shape)
    prefix = "model.bert."
    tensors = load_file(work / "checkpoint.safetensors")
    trained = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
    missing = model.load_state_dict(trained, strict=False).missing_keys
    if [name for name in missing if not name.startswith("pooler.")]:
        raise SystemExit(f"The checkpoint lacks {missing}.")
    target.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(target)  # type: ignore[no-untyped-call]
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=Tokenizer.from_file(str(work / "tokenizer.json")),
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=CONFIG.max_position_embeddings,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
    tokenizer.save_pretrained(target)
    file = target / "tokenizer_config.json"
    config = {**json.loads(file.read_text(encoding="utf-8")), "tokenizer_class": "PreTrainedTokenizerFast"}
    file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")  # the name that every release knows
    shutil.copymode(file, target / "model.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="directory with nli/, unlabelled/ and senteval/")
    parser.add_argument("--work", type=Path, required=True, help="directory for the checkpoint and the tokenizer")
    parser.add_argument("--export", type=Path, metavar="DIR", help="write the trained encoder here and stop")
    parser.add_argument("--steps", type=int, default=3400)
    parser.add_argument("--tokens", type=int, default=4096, help="padded tokens in one step")
    parser.add_argument("--rate", type=float, default=0.15, help="part of the tokens that is hidden")
    parser.add_argument("--peak", type=float, default=1e-3)
    parser.add_argument("--save-every", type=int, default=200)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    if options.export:
        export(options.work, options.export)
        return
    if not options.data:
        parser.error("--data is needed for training")
    if options.threads:
        torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    train(options)


if __name__ == "__main__":
    main()
