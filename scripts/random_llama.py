"""Write a Llama-shaped model directory (safetensors) with random weights, for tests and benchmarks: no download.

Needs `tokenizers` and `safetensors`. `python scripts/random_llama.py OUT` makes a tiny one; the text it writes means nothing.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SPECIALS = ("<|begin|>", "<|end|>", "<|turn|>")
TEMPLATE = (
    "<|begin|>{% for m in messages %}<|turn|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a Llama model; heads of 32 are the smallest that vLLM runs on a CPU."""

    layers: int = 2
    width: int = 64
    hidden: int = 128
    heads: int = 2
    kv_heads: int = 1
    vocabulary: int = 400
    context: int = 512


MEDIUM = Shape(layers=30, width=576, hidden=1536, heads=9, kv_heads=3, vocabulary=49152, context=2048)


def write(path: Path, shape: Shape | None = None, seed: int = 0, template: str | None = TEMPLATE) -> Path:
    """Write the model's directory and return it; equal arguments give equal files."""
    shape = shape or Shape()
    path.mkdir(parents=True, exist_ok=True)
    save_file(_weights(shape, np.random.default_rng(seed)), path / "model.safetensors", {"format": "pt"})
    _tokenizer(shape.vocabulary).save(str(path / "tokenizer.json"))
    tokens = {"bos_token": SPECIALS[0], "eos_token": SPECIALS[1], "pad_token": SPECIALS[1]}
    described = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": shape.context, **tokens}
    if template is not None:
        described["chat_template"] = template
    (path / "tokenizer_config.json").write_text(json.dumps(described, indent=1), encoding="utf-8")
    (path / "config.json").write_text(json.dumps(_config(shape), indent=1), encoding="utf-8")
    return path


def _config(shape: Shape) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float32",
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.width // shape.heads,
        "max_position_embeddings": shape.context,
        "vocab_size": shape.vocabulary,
        "rms_norm_eps": 1e-5,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "bos_token_id": 0,
        "eos_token_id": 1,
    }


def _weights(shape: Shape, draw: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    def matrix(rows: int, columns: int) -> NDArray[np.float32]:
        return draw.standard_normal((rows, columns), dtype=np.float32) * np.float32(columns**-0.5)

    ones = np.ones(shape.width, np.float32)
    narrow = shape.kv_heads * shape.width // shape.heads
    made = {"model.embed_tokens.weight": matrix(shape.vocabulary, shape.width), "model.norm.weight": ones * 2}
    for layer in range(shape.layers):
        block = f"model.layers.{layer}."
        made[f"{block}input_layernorm.weight"] = ones
        made[f"{block}post_attention_layernorm.weight"] = ones
        made[f"{block}self_attn.q_proj.weight"] = matrix(shape.width, shape.width)
        made[f"{block}self_attn.k_proj.weight"] = matrix(narrow, shape.width)
        made[f"{block}self_attn.v_proj.weight"] = matrix(narrow, shape.width)
        made[f"{block}self_attn.o_proj.weight"] = matrix(shape.width, shape.width)
        made[f"{block}mlp.gate_proj.weight"] = matrix(shape.hidden, shape.width)
        made[f"{block}mlp.up_proj.weight"] = matrix(shape.hidden, shape.width)
        made[f"{block}mlp.down_proj.weight"] = matrix(shape.width, shape.hidden)
    return made


def _tokenizer(size: int) -> Tokenizer:
    """A byte-level BPE of exactly `size` tokens: bytes, merges learnt from made-up words, specials, fillers."""
    draw = np.random.default_rng(1)
    words = ("".join(LETTERS[i] for i in draw.integers(0, 26, int(draw.integers(2, 6)))) for _ in range(8 * size))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=1,
        special_tokens=[AddedToken(name, special=True) for name in SPECIALS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(words, trainer)
    missing = range(tokenizer.get_vocab_size(), size)
    tokenizer.add_tokens([f"<filler-{i}>" for i in missing])
    return tokenizer


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--medium", action="store_true", help="the common 135 M shape")
    options = parser.parse_args()
    write(options.out, MEDIUM if options.medium else Shape())
