"""Write the starter LLM's checkpoint as one GGUF file for llama.cpp: Q8_0 matrices, tokenizer and chat template inside.

python scripts/export_starter_llm.py --work WORK --output models/starter-llm/starter-llm.gguf
"""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from train_starter_llm import CONFIG, SPECIAL, TEMPLATE

NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
Array = NDArray[np.float32]


def interleaved(weight: Array, heads: int) -> Array:
    """Rows of a query or key matrix, (out, in), from half-split rotary order to llama.cpp's pairs."""
    out, width = weight.shape
    return weight.reshape(heads, 2, out // heads // 2, width).swapaxes(1, 2).reshape(out, width)


def add_tokenizer(writer: gguf.GGUFWriter, path: Path) -> None:
    """The byte-level BPE with its merges, special tokens as control tokens."""
    model = json.loads(path.read_text(encoding="utf-8"))["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    kinds = [gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(merge) for merge in model["merges"]])
    writer.add_pad_token_id(0)
    writer.add_eos_token_id(SPECIAL.index("<|end|>"))
    writer.add_bos_token_id(SPECIAL.index("<|end|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


def add_tensor(writer: gguf.GGUFWriter, name: str, weight: Array) -> None:
    """Vectors as they are, matrices as Q8_0."""
    if weight.ndim == 1:
        writer.add_tensor(name, weight)
        return
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(name, gguf.quantize(weight, kind), raw_dtype=kind)


def export(work: Path, output: Path) -> None:
    """Write `output` from the checkpoint and tokenizer in `work`."""
    output.parent.mkdir(parents=True, exist_ok=True)
    scratch = output.with_suffix(".new")
    writer = gguf.GGUFWriter(scratch, "llama")
    writer.add_name("syncse-local starter LLM")
    writer.add_license("Apache-2.0")
    writer.add_context_length(CONFIG.max_position_embeddings)
    writer.add_embedding_length(CONFIG.hidden_size)
    writer.add_block_count(CONFIG.num_hidden_layers)
    writer.add_feed_forward_length(CONFIG.intermediate_size)
    writer.add_head_count(CONFIG.num_attention_heads)
    writer.add_head_count_kv(CONFIG.num_key_value_heads)
    writer.add_layer_norm_rms_eps(CONFIG.rms_norm_eps)
    writer.add_rope_dimension_count(CONFIG.hidden_size // CONFIG.num_attention_heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(CONFIG.vocab_size)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    add_tokenizer(writer, work / "tokenizer.json")
    weights = {k[6:]: v for k, v in load_file(work / "checkpoint.safetensors").items() if k.startswith("model.")}
    add_tensor(writer, "token_embd.weight", weights["embed_tokens.weight"])
    add_tensor(writer, "output_norm.weight", weights["norm.weight"])
    for layer in range(CONFIG.num_hidden_layers):
        for theirs, ours in NAMES.items():
            weight = weights[f"layers.{layer}.{theirs}.weight"]
            if ours in ("attn_q", "attn_k"):
                weight = interleaved(weight, CONFIG.num_attention_heads)
            add_tensor(writer, f"blk.{layer}.{ours}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    scratch.replace(output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    export(options.work, options.output)
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
