"""Train the starter LLM: a small Llama, from random weights, on answers only; then write it as GGUF.

    python scripts/train_starter_llm.py --data DATA --work WORK --steps 6000

Goes on from the checkpoint in WORK. Knows nothing of the engines that will run the result.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from starter_corpus import Corpus, Example
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaModel

SPECIAL = ["<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CONFIG = LlamaConfig(
    vocab_size=8192,
    hidden_size=256,
    intermediate_size=704,
    num_hidden_layers=6,
    num_attention_heads=4,
    num_key_value_heads=4,
    max_position_embeddings=512,
    rms_norm_eps=1e-5,
    tie_word_embeddings=True,
    attn_implementation="eager",  # type: ignore[call-arg]  # on rows of some fifty tokens, twice as fast on a CPU once compiled
)
POOL = 24_000  # examples tokenised and sorted by length at a time
TOKENS = 8_192  # padded tokens in one step
LONGEST = 120  # tokens of one example


def train_tokenizer(corpus: Corpus, path: Path) -> Tokenizer:
    """Byte-level BPE over the corpus sentences; written once, then read."""
    if path.exists():
        return Tokenizer.from_file(str(path))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=CONFIG.vocab_size,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    text = [*corpus.nli, *corpus.captions, *corpus.wiki, *corpus.own, *corpus.instructions.values()]
    tokenizer.train_from_iterator(text, trainer)
    tokenizer.save(str(path))
    return tokenizer


def encode(tokenizer: Tokenizer, examples: list[Example]) -> list[tuple[list[int], int]]:
    """Token ids and the index of the answer's first token, for each example."""
    user = [f"<|user|>{e.sentence}<|end|>" if e.sentence else "" for e in examples]
    heads = [f"<|system|>{e.instruction}<|end|>{u}<|assistant|>" for e, u in zip(examples, user, strict=True)]
    tails = [f"{e.answer}<|end|>" for e in examples]
    pairs = zip(tokenizer.encode_batch(heads), tokenizer.encode_batch(tails), strict=True)
    return [(head.ids + tail.ids, len(head.ids)) for head, tail in pairs]


def batches(tokenizer: Tokenizer, corpus: Corpus, pool: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(ids, targets) of one pool, each (rows, length); target -100 marks what carries no loss."""
    rows = encode(tokenizer, list(islice(corpus.stream(f"pool-{pool}"), POOL)))
    rows = sorted((r for r in rows if len(r[0]) <= LONGEST), key=lambda r: len(r[0]))
    groups: list[list[tuple[list[int], int]]] = [[]]
    for row in rows:
        if (len(groups[-1]) + 1) * len(row[0]) > TOKENS:
            groups.append([])
        groups[-1].append(row)
    for i in torch.randperm(len(groups), generator=torch.Generator().manual_seed(pool)).tolist():
        width = len(groups[i][-1][0])
        ids = torch.zeros(len(groups[i]), width, dtype=torch.long)
        targets = torch.full_like(ids, -100)
        for r, (tokens, start) in enumerate(groups[i]):
            ids[r, : len(tokens)] = torch.tensor(tokens)
            targets[r, start - 1 : len(tokens) - 1] = torch.tensor(tokens[start:])
        yield ids, targets


def answer_loss(model: LlamaModel, forward: torch.nn.Module, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy over answer tokens; the output matrix is the embedding's."""
    with torch.autocast(ids.device.type, torch.bfloat16):
        hidden = forward(input_ids=ids, use_cache=False).last_hidden_state
        wanted = targets != -100
        logits = hidden[wanted] @ model.embed_tokens.weight.T
    return torch.nn.functional.cross_entropy(logits.float(), targets[wanted])


def rate(step: int, steps: int, peak: float) -> float:
    """Warm-up over 200 steps, then a cosine to a twentieth of the peak."""
    if step < 200:
        return peak * (step + 1) / 200
    return peak * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, (step - 200) / max(1, steps - 200)))))


class Checkpoint:
    """Weights, AdamW moments and the place in the data, as one safetensors file."""

    def __init__(self, path: Path, model: LlamaModel, optimizer: torch.optim.AdamW) -> None:
        self.path, self.model, self.optimizer = path, model, optimizer

    def save(self, step: int, pool: int, tokens: int) -> None:
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            for part, value in self.optimizer.state[parameter].items():
                tensors[f"optimizer.{name}.{part}"] = value
        scratch = self.path.with_suffix(".new")
        save_file(tensors, scratch, {"step": str(step), "pool": str(pool), "tokens": str(tokens)})
        scratch.replace(self.path)

    def load(self) -> tuple[int, int, int]:
        """(step, pool, tokens) to go on from; zeros where there is no checkpoint."""
        if not self.path.exists():
            return 0, 0, 0
        tensors = load_file(self.path)
        self.model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
        for name, parameter in self.model.named_parameters():
            prefix = f"optimizer.{name}."
            self.optimizer.state[parameter] = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
        with self.path.open("rb") as handle:
            header = json.loads(handle.read(int.from_bytes(handle.read(8), "little")))
        return tuple(int(header["__metadata__"][k]) for k in ("step", "pool", "tokens"))  # type: ignore[return-value]


def train(corpus: Corpus, work: Path, steps: int, peak: float, compiled: bool) -> None:
    """Train to `steps` steps, saving after every pool."""
    torch.manual_seed(0)
    torch.set_flush_denormal(True)  # moments of rare tokens decay towards denormals, which CPUs handle slowly
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = train_tokenizer(corpus, work / "tokenizer.json")
    model = LlamaModel(CONFIG)
    model.to(torch.device(device))  # type: ignore[arg-type]
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.95), weight_decay=0.05, fused=True)
    checkpoint = Checkpoint(work / "checkpoint.safetensors", model, optimizer)
    step, pool, tokens = checkpoint.load()
    forward = torch.compile(model, dynamic=True) if compiled else model
    started, fresh = time.time(), 0
    while step < steps:
        for ids, targets in batches(tokenizer, corpus, pool):
            ids, targets = ids.to(device), targets.to(device)
            for group in optimizer.param_groups:
                group["lr"] = rate(step, steps, peak)
            loss = answer_loss(model, forward, ids, targets)  # type: ignore[arg-type]
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            step, tokens, fresh = step + 1, tokens + ids.numel(), fresh + ids.numel()
            if step % 50 == 0:
                speed = fresh / (time.time() - started)
                print(f"step {step} loss {loss.item():.3f} tokens {tokens / 1e6:.1f}M {speed:.0f}/s", flush=True)
            if step >= steps:
                break
        pool += 1
        checkpoint.save(step, pool, tokens)
    config = {
        **CONFIG.to_dict(),
        "architectures": ["LlamaForCausalLM"],
        "bos_token_id": None,
        "eos_token_id": 4,
        "pad_token_id": 0,
    }
    (work / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory with nli/, unlabelled/ and senteval/")
    parser.add_argument("--work", type=Path, required=True, help="directory for the checkpoint")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--peak", type=float, default=1.5e-3)
    parser.add_argument(
        "--repair-share",
        type=float,
        default=0.05,
        help="part of reordering and repairing tasks; more of it helps early",
    )
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    train(Corpus(options.data, options.repair_share), options.work, options.steps, options.peak, options.compile)


if __name__ == "__main__":
    main()
