"""Write a Llama-shaped GGUF with random weights, for benchmarks: full-size arithmetic, no download, meaningless text.

Needs the `gguf` package. `python scripts/random_model.py OUT.gguf [--shape 1b]` makes a shape of SHAPES in Q8_0.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize

LETTERS = "abcdefghijklmnopqrstuvwxyz"
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a Llama model; the defaults are a common 135 M shape."""

    layers: int = 30
    width: int = 576
    hidden: int = 1536
    heads: int = 9
    kv_heads: int = 3
    vocabulary: int = 49152
    context: int = 2048


SHAPES = {"135m": Shape(), "1b": Shape(16, 2048, 8192, 32, 8, 128256)}
"""Shapes of common small models by their number of parameters."""


def write(path: Path, shape: Shape, seed: int = 0) -> None:
    """Write the model; equal arguments give an equal file."""
    writer = GGUFWriter(path, "llama")
    writer.add_name("random")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_file_type(7)
    _add_vocabulary(writer, shape.vocabulary)
    _add_weights(writer, shape, np.random.default_rng(seed))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: GGUFWriter, size: int) -> None:
    """A SentencePiece vocabulary: bytes, letters, and made-up syllables that stand for words."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁"]
    tokens += [*LETTERS, *LETTERS.upper(), *"0123456789.,;:!?'-"]
    draw = np.random.default_rng(1)
    known = set(tokens)
    while len(tokens) < size:
        syllable = "".join(LETTERS[i] for i in draw.integers(0, 26, int(draw.integers(2, 6))))
        token = f"▁{syllable}" if draw.random() < 0.6 else syllable
        if token not in known:
            known.add(token)
            tokens.append(token)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(i) for i in range(size)])
    writer.add_token_types([UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * (size - 259))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)


def _add_weights(writer: GGUFWriter, shape: Shape, draw: np.random.Generator) -> None:
    def matrix(name: str, rows: int, columns: int, spread: float = 0.02) -> None:
        values = draw.standard_normal((rows, columns), dtype=np.float32) * np.float32(spread)
        kind = GGMLQuantizationType.Q8_0
        writer.add_tensor(name, quantize(values, kind), raw_dtype=kind)

    def ones(name: str) -> None:
        writer.add_tensor(name, np.ones(shape.width, np.float32))

    narrow = shape.kv_heads * shape.width // shape.heads
    matrix("token_embd.weight", shape.vocabulary, shape.width, 0.05)
    ones("output_norm.weight")
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        ones(f"{block}attn_norm.weight")
        ones(f"{block}ffn_norm.weight")
        matrix(f"{block}attn_q.weight", shape.width, shape.width)
        matrix(f"{block}attn_k.weight", narrow, shape.width)
        matrix(f"{block}attn_v.weight", narrow, shape.width)
        matrix(f"{block}attn_output.weight", shape.width, shape.width)
        matrix(f"{block}ffn_gate.weight", shape.hidden, shape.width)
        matrix(f"{block}ffn_up.weight", shape.hidden, shape.width)
        matrix(f"{block}ffn_down.weight", shape.width, shape.hidden)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--shape", choices=SHAPES, default="135m")
    options = parser.parse_args()
    write(options.out, SHAPES[options.shape])
