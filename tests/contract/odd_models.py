"""Tiny random models by what they remember a sequence by: a state, cells of a window, or both beside each other."""

from pathlib import Path

import numpy as np
from gguf import GGUFWriter
from random_model import _add_vocabulary

VOCABULARY, WIDTH, LAYERS, CONTEXT = 400, 64, 4, 256


class _Maker:
    """A writer with random matrices from one seed."""

    def __init__(self, path: Path, architecture: str, layers: int = LAYERS) -> None:
        self.writer = GGUFWriter(path, architecture)
        self._draw = np.random.default_rng(0)
        self.writer.add_context_length(CONTEXT)
        self.writer.add_embedding_length(WIDTH)
        self.writer.add_block_count(layers)
        self.writer.add_layer_norm_rms_eps(1e-5)
        self.writer.add_file_type(0)
        _add_vocabulary(self.writer, VOCABULARY)

    def random(self, name: str, *shape: int, spread: float = 0.3) -> None:
        self.writer.add_tensor(name, self._draw.standard_normal(shape, dtype=np.float32) * np.float32(spread))

    def fill(self, name: str, *shape: int, value: float = 1.0) -> None:
        self.writer.add_tensor(name, np.full(shape, value, np.float32))

    def attention(self, block: str, heads: int, kv_heads: int, size: int) -> None:
        self.random(f"{block}attn_q.weight", heads * size, WIDTH)
        self.random(f"{block}attn_k.weight", kv_heads * size, WIDTH)
        self.random(f"{block}attn_v.weight", kv_heads * size, WIDTH)
        self.random(f"{block}attn_output.weight", WIDTH, heads * size)

    def feed_forward(self, block: str, hidden: int) -> None:
        self.random(f"{block}ffn_gate.weight", hidden, WIDTH)
        self.random(f"{block}ffn_up.weight", hidden, WIDTH)
        self.random(f"{block}ffn_down.weight", WIDTH, hidden)

    def state_sizes(self, kernel: int, inner: int, state: int, heads: int, groups: int) -> None:
        self.writer.add_ssm_conv_kernel(kernel)
        self.writer.add_ssm_inner_size(inner)
        self.writer.add_ssm_state_size(state)
        self.writer.add_ssm_time_step_rank(heads)
        self.writer.add_ssm_group_count(groups)

    def mamba2(self, block: str, inner: int, state: int, heads: int, groups: int) -> None:
        convolved = inner + 2 * groups * state
        self.random(f"{block}ssm_in.weight", inner + convolved + heads, WIDTH)
        self.random(f"{block}ssm_conv1d.weight", convolved, 4)
        self.fill(f"{block}ssm_conv1d.bias", convolved, value=0.0)
        self.fill(f"{block}ssm_dt.bias", heads, value=-2.0)
        self.fill(f"{block}ssm_a", heads, 1, value=-0.5)
        self.fill(f"{block}ssm_d", heads, 1)
        self.fill(f"{block}ssm_norm.weight", groups, inner // groups)
        self.random(f"{block}ssm_out.weight", WIDTH, inner)

    def finish(self, norm: str = "output_norm.weight") -> None:
        self.random("token_embd.weight", VOCABULARY, WIDTH)
        self.fill(norm, WIDTH)
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
        made.attention(block, heads, 2, size)
        made.feed_forward(block, hidden)
    made.finish()


def sliding_window_plain(path: Path) -> None:
    """A Gemma 3 model: a window of 16 tokens in five layers of six, keys of a size of their own, no caps on scores."""
    heads, size, hidden = 4, 32, 128
    made = _Maker(path, "gemma3", layers=6)
    made.writer.add_feed_forward_length(hidden)
    made.writer.add_head_count(heads)
    made.writer.add_head_count_kv(1)
    made.writer.add_key_length(size)
    made.writer.add_value_length(size)
    made.writer.add_sliding_window(16)
    for layer in range(6):
        block = f"blk.{layer}."
        for norm in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            made.fill(f"{block}{norm}.weight", WIDTH)
        made.fill(f"{block}attn_q_norm.weight", size)
        made.fill(f"{block}attn_k_norm.weight", size)
        made.attention(block, heads, 1, size)
        made.feed_forward(block, hidden)
    made.finish()


def short_convolutions(path: Path) -> None:
    """An LFM2 model: short convolutions in two layers of three, attention in the third."""
    heads, kv_heads, hidden = 4, 2, 128
    made = _Maker(path, "lfm2", layers=6)
    attends = [layer % 3 == 2 for layer in range(6)]
    made.writer.add_feed_forward_length(hidden)
    made.writer.add_head_count(heads)
    made.writer.add_head_count_kv([kv_heads if one else 0 for one in attends])
    made.writer.add_shortconv_l_cache(3)
    made.writer.add_rope_freq_base(1e6)
    for layer, one in enumerate(attends):
        block = f"blk.{layer}."
        made.fill(f"{block}attn_norm.weight", WIDTH)
        made.fill(f"{block}ffn_norm.weight", WIDTH)
        made.feed_forward(block, hidden)
        if one:
            made.fill(f"{block}attn_q_norm.weight", WIDTH // heads)
            made.fill(f"{block}attn_k_norm.weight", WIDTH // heads)
            made.attention(block, heads, kv_heads, WIDTH // heads)
        else:
            made.random(f"{block}shortconv.conv.weight", WIDTH, 3)
            made.random(f"{block}shortconv.in_proj.weight", 3 * WIDTH, WIDTH)
            made.random(f"{block}shortconv.out_proj.weight", WIDTH, WIDTH)
    made.finish("token_embd_norm.weight")


def attention_beside_state(path: Path) -> None:
    """A Falcon-H1 model: attention and a Mamba-2 state in every layer."""
    heads, kv_heads, size, inner, state, ssm_heads = 4, 2, 16, 128, 16, 4
    made = _Maker(path, "falcon-h1")
    writer = made.writer
    writer.add_feed_forward_length(128)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_rope_dimension_count(size)
    made.state_sizes(4, inner, state, ssm_heads, 1)
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        made.fill(f"{block}attn_norm.weight", WIDTH)
        made.fill(f"{block}ffn_norm", WIDTH)
        made.feed_forward(block, 128)
        made.mamba2(block, inner, state, ssm_heads, 1)
        made.attention(block, heads, kv_heads, size)
    made.finish()


def gated_delta(path: Path) -> None:
    """A Qwen3.5 model: gated delta networks in three layers of four, gated attention in the fourth."""
    heads, kv_heads, size, key_heads, value_heads, state = 4, 2, 16, 2, 4, 16
    made = _Maker(path, "qwen35")
    writer = made.writer
    writer.add_feed_forward_length(128)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_rope_dimension_count(8)
    writer.add_rope_dimension_sections([2, 1, 1, 0])
    made.state_sizes(4, value_heads * state, state, value_heads, key_heads)
    writer.add_uint32("qwen35.full_attention_interval", 4)
    keys, values = key_heads * state, value_heads * state
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        made.fill(f"{block}attn_norm.weight", WIDTH)
        made.fill(f"{block}post_attention_norm.weight", WIDTH)
        made.feed_forward(block, 128)
        if layer % 4 == 3:
            made.random(f"{block}attn_q.weight", 2 * heads * size, WIDTH)
            made.random(f"{block}attn_k.weight", kv_heads * size, WIDTH)
            made.random(f"{block}attn_v.weight", kv_heads * size, WIDTH)
            made.random(f"{block}attn_output.weight", WIDTH, heads * size)
            made.fill(f"{block}attn_q_norm.weight", size)
            made.fill(f"{block}attn_k_norm.weight", size)
        else:
            made.random(f"{block}attn_qkv.weight", 2 * keys + values, WIDTH)
            made.random(f"{block}attn_gate.weight", values, WIDTH)
            made.random(f"{block}ssm_conv1d.weight", 2 * keys + values, 4)
            made.fill(f"{block}ssm_dt.bias", value_heads, value=-2.0)
            made.fill(f"{block}ssm_a", value_heads, value=-0.5)
            made.random(f"{block}ssm_beta.weight", value_heads, WIDTH)
            made.random(f"{block}ssm_alpha.weight", value_heads, WIDTH)
            made.fill(f"{block}ssm_norm.weight", state)
            made.random(f"{block}ssm_out.weight", WIDTH, values)
    made.finish()


def mamba2(path: Path) -> None:
    """A Mamba-2 model: a state and nothing else."""
    inner, state, heads = 2 * WIDTH, 16, 4
    made = _Maker(path, "mamba2")
    made.writer.add_feed_forward_length(0)
    made.writer.add_head_count(0)
    made.state_sizes(4, inner, state, heads, 1)
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        made.fill(f"{block}attn_norm.weight", WIDTH)
        made.mamba2(block, inner, state, heads, 1)
    made.finish()


MEMORY_KINDS = {
    "recurrent": (recurrent, mamba2),
    "sliding window": (sliding_window, sliding_window_plain),
    "hybrid": (short_convolutions, attention_beside_state, gated_delta),
}


def vocabulary_only(path: Path) -> None:
    """A vocabulary without any weights, as llama.cpp's own tests ship them."""
    made = _Maker(path, "llama")
    made.writer.add_feed_forward_length(128)
    made.writer.add_head_count(4)
    made.writer.write_header_to_file()
    made.writer.write_kv_data_to_file()
    made.writer.write_tensors_to_file()
    made.writer.close()
