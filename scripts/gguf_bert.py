"""Write a BERT directory (safetensors, WordPiece) as a GGUF file in float32, for tests of the llama.cpp encoder.

Needs the `gguf` package. `python scripts/gguf_bert.py DIRECTORY OUT.gguf` names mean pooling.
"""

import json
import sys
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, PoolingType
from safetensors.numpy import load_file

NORMAL, UNKNOWN, CONTROL = 1, 2, 3
SPECIAL = {"[PAD]": "pad", "[UNK]": "unk", "[CLS]": "bos", "[SEP]": "sep", "[MASK]": "mask"}
TENSORS = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}


def write(directory: Path, path: Path, pooling: PoolingType | None = PoolingType.MEAN) -> Path:
    """Write `path` from the model in `directory`; `pooling` None leaves the pooling unsaid."""
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    writer = GGUFWriter(path, "bert")
    writer.add_name("bert")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_file_type(0)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    _add_vocabulary(writer, directory)
    for name, tensor in load_file(directory / "model.safetensors").items():
        if target := _target(name.removeprefix("bert.")):
            writer.add_tensor(target, tensor.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _target(name: str) -> str:
    """llama.cpp's name of a tensor; empty for the pooler."""
    stem, _, kind = name.rpartition(".")
    block = ""
    if stem.startswith("encoder.layer."):
        number, _, stem = stem.removeprefix("encoder.layer.").partition(".")
        block = f"blk.{number}."
    return f"{block}{TENSORS[stem]}.{kind}" if stem in TENSORS else ""


def _add_vocabulary(writer: GGUFWriter, directory: Path) -> None:
    """WordPiece as llama.cpp wants it: a mark before what begins a word instead of ## before what does not."""
    known = json.loads((directory / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    tokens = sorted(known, key=known.__getitem__)
    writer.add_tokenizer_model("bert")
    writer.add_token_list([t if t in SPECIAL else t[2:] if t.startswith("##") else f"\u2581{t}" for t in tokens])
    writer.add_token_types([UNKNOWN if t == "[UNK]" else CONTROL if t in SPECIAL else NORMAL for t in tokens])
    writer.add_token_type_count(2)
    for token, role in SPECIAL.items():
        getattr(writer, f"add_{role}_token_id")(known[token])


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
