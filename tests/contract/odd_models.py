"""Tiny random models of kinds whose memory cannot be shared between sequences: recurrent, and sliding window."""

from pathlib import Path

import numpy as np
from gguf import GGUFWriter
from random_model import _add_vocabulary

VOCABULARY, WIDTH, LAYERS, CONTEXT = 400, 64, 4, 256


class _Maker:
    """A writer with random matrices from one seed."""

    def __init__(self, path: Path, architecture: str) -> None:
        self.writer = GGUFWriter(path, architecture)
        self._draw = np.random.default_rng(0)
        self.writer.add_context_length(CONTEXT)
        self.writer.add_embedding_length(WIDTH)
        self.writer.add_block_count(LAYERS)
        self.writer.add_layer_norm_rms_eps(1e-5)
        self.writer.add_file_type(0)
        _add_vocabulary(self.writer, VOCABULARY)

    def random(self, name: str, *shape: int, spread: float = 0.3) -> None:
        self.writer.add_tensor(name, self._draw.standard_normal(shape, dtype=np.float32) * np.float32(spread))

    def fill(self, name: str, *shape: int, value: float = 1.0) -> None:
        self.writer.add_tensor(name, np.full(shape, value, np.float32))

    def finish(self) -> None:
        self.random("token_embd.weight", VOCABULARY, WIDTH)
        self.fill("output_norm.weight", WIDTH)
        self.writer.write_header_to_file()
        self.writer.write_kv_data_to_file()
        self.writer.write_tensors_to_file()
        self.writer.close()


def recurrent(path: Path) -> None:
    """A Mamba model."""
    inner, state, rank = 2 * WIDTH, 8, 4
    made = _Maker(path, "mamba")
    made.writer.add_feed_forward_length(0)
    made.writer.add_head_count(0)
    made.writer.add_ssm_conv_kernel(4)
    made.writer.add_ssm_inner_size(inner)
    made.writer.add_ssm_state_size(state)
    made.writer.add_ssm_time_step_rank(rank)
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        made.fill(f"{block}attn_norm.weight", WIDTH)
        made.random(f"{block}ssm_in.weight", 2 * inner, WIDTH)
        made.random(f"{block}ssm_conv1d.weight", inner, 4)
        made.fill(f"{block}ssm_conv1d.bias", inner, value=0.0)
        made.random(f"{block}ssm_x.weight", rank + 2 * state, inner)
        made.random(f"{block}ssm_dt.weight", inner, rank)
        made.fill(f"{block}ssm_dt.bias", inner, value=0.1)
        made.fill(f"{block}ssm_a", inner, state, value=-1.0)
        made.fill(f"{block}ssm_d", inner)
        made.random(f"{block}ssm_out.weight", WIDTH, inner)
    made.finish()


def sliding_window(path: Path) -> None:
    """A Gemma 2 model whose window of 16 tokens is shorter than any prompt."""
    heads, size, hidden = 4, 16, 128
    made = _Maker(path, "gemma2")
    made.writer.add_feed_forward_length(hidden)
    made.writer.add_head_count(heads)
    made.writer.add_head_count_kv(2)
    made.writer.add_key_length(size)
    made.writer.add_value_length(size)
    made.writer.add_sliding_window(16)
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        for norm in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            made.fill(f"{block}{norm}.weight", WIDTH)
        made.random(f"{block}attn_q.weight", heads * size, WIDTH)
        made.random(f"{block}attn_k.weight", 2 * size, WIDTH)
        made.random(f"{block}attn_v.weight", 2 * size, WIDTH)
        made.random(f"{block}attn_output.weight", WIDTH, heads * size)
        made.random(f"{block}ffn_gate.weight", hidden, WIDTH)
        made.random(f"{block}ffn_up.weight", hidden, WIDTH)
        made.random(f"{block}ffn_down.weight", WIDTH, hidden)
    made.finish()


def vocabulary_only(path: Path) -> None:
    """A vocabulary without any weights, as llama.cpp's own tests ship them."""
    made = _Maker(path, "llama")
    made.writer.add_feed_forward_length(128)
    made.writer.add_head_count(4)
    made.writer.write_header_to_file()
    made.writer.write_kv_data_to_file()
    made.writer.write_tensors_to_file()
    made.writer.close()
