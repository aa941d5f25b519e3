"""Tiny encoders of random weights, one for each architecture, with a tokenizer that fits it. Tests nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = "a the man dog train rain red car green is was play run ##ning ##ing ##s guitar not some one no every body two".split()
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,'?!:"
BERT = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
ROBERTA = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "<unk>", "mask": "<mask>"}
AROUND = {"xlnet": "$A {sep} {cls}:2", "t5": "$A {sep}", "bare": "$A", "funnel": "{cls}:2 $A {sep}"}
"""Where the special tokens stand, and the segments of those that are not in segment 0; else [CLS] $A [SEP]."""


def tokenizer(path: Path, kind: str = "bert", longest: int | None = None, cased: bool = False) -> int:
    """Write a WordPiece tokenizer of this kind (see AROUND) to `path`; how many tokens it has."""
    special = BERT if kind in ("bert", "funnel") else ROBERTA
    names = dict.fromkeys([*special.values(), *LETTERS, *(f"##{c}" for c in LETTERS), *WORDS])
    places = {name: place for place, name in enumerate(names)}
    made = Tokenizer(models.WordPiece(places, unk_token=special["unk"]))
    made.normalizer = normalizers.BertNormalizer(lowercase=not cased)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single=AROUND.get(kind, "{cls} $A {sep}").format(**special),
        special_tokens=[(special[name], places[special[name]]) for name in ("cls", "sep")],
    )
    told: dict[str, Any] = {f"{name}_token": token for name, token in special.items()}
    if longest:
        told["model_max_length"] = longest
    if kind in ("bare", "xlnet"):
        told["padding_side"] = "left"
    if kind in ("funnel", "xlnet"):
        told["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
    hf.PreTrainedTokenizerFast(tokenizer_object=made, eos_token=special["sep"], **told).save_pretrained(path)  # type: ignore[no-untyped-call]
    return len(places)


USUAL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
}
AFTER_PADDING: dict[str, Any] = {**USUAL, "max_position_embeddings": 66, "pad_token_id": 1}
"""RoBERTa's kin: the first positions are the padding's."""
LLAMA: dict[str, Any] = {**USUAL, "num_key_value_heads": 1, "head_dim": 16}
T5: dict[str, Any] = {"d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 2, "num_heads": 2}
DEBERTA: dict[str, Any] = {
    **USUAL,
    "relative_attention": True,
    "pos_att_type": ["c2p", "p2c"],
    "position_biased_input": False,
}
MODERN: dict[str, Any] = {"local_attention": 8, "global_attn_every_n_layers": 2, "num_hidden_layers": 3}
FUNNEL: dict[str, Any] = {"d_model": 32, "n_head": 2, "d_head": 16, "d_inner": 48, "block_sizes": [1, 1]}

ENCODERS: dict[str, dict[str, Any]] = {
    "albert": {**USUAL, "embedding_size": 16},
    "bert": USUAL,
    "big_bird": USUAL,
    "convbert": {**USUAL, "embedding_size": 32, "conv_kernel_size": 3},
    "deberta": DEBERTA,
    "deberta-v2": {**DEBERTA, "position_buckets": 16},
    "distilbert": {"dim": 32, "hidden_dim": 48, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 64},
    "electra": {**USUAL, "embedding_size": 16},
    "fnet": USUAL,
    "funnel": FUNNEL,
    "funnel-base": FUNNEL,
    "mobilebert": {**USUAL, "embedding_size": 32, "intra_bottleneck_size": 32, "true_hidden_size": 32},
    "modernbert": {**USUAL, **MODERN, "pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3},
    "nomic_bert": USUAL,
    "roformer": USUAL,
    "squeezebert": {**USUAL, "embedding_size": 32},
    "xlnet": {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 48},
}
OFFSET: dict[str, dict[str, Any]] = {
    "camembert": AFTER_PADDING,
    "data2vec-text": AFTER_PADDING,
    "longformer": {**AFTER_PADDING, "attention_window": 8},
    "luke": {**AFTER_PADDING, "entity_vocab_size": 9, "entity_emb_size": 16},
    "mpnet": AFTER_PADDING,
    "roberta": AFTER_PADDING,
    "roberta-prelayernorm": AFTER_PADDING,
    "xlm-roberta": AFTER_PADDING,
    "xlm-roberta-xl": AFTER_PADDING,
}
DECODERS: dict[str, dict[str, Any]] = {
    "gemma3_text": {**LLAMA, "sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64},
    "llama": LLAMA,
    "mistral": {**LLAMA, "sliding_window": 8},
    "opt": {**USUAL, "ffn_dim": 48, "word_embed_proj_dim": 16},
    "qwen2": LLAMA,
    "qwen3": LLAMA,
}
HALVES: dict[str, dict[str, Any]] = {"longt5": {**T5, "local_radius": 4}, "mt5": T5, "t5": T5, "umt5": T5}
ALL = {**ENCODERS, **OFFSET, **DECODERS, **HALVES}
"""Each architecture's configuration, by its name in transformers."""
SPECIAL = {
    **dict.fromkeys(OFFSET, "roberta"),
    **dict.fromkeys(DECODERS, "bare"),
    **dict.fromkeys(HALVES, "t5"),
    "xlnet": "xlnet",
    "funnel": "funnel",
    "funnel-base": "funnel",
}


def write(
    kind: str, path: Path, longest: int | None = 64, change: Callable[[Any], None] | None = None, cased: bool = False
) -> Path:
    """A transformers directory of this architecture in `path`; `change` may alter the model before it is saved."""
    path.mkdir(parents=True, exist_ok=True)
    count = tokenizer(path, SPECIAL.get(kind, "bert"), longest, cased)
    model = _model(kind, count)
    with torch.no_grad():
        torch.manual_seed(3)
        for parameter in model.parameters():  # the usual start leaves states that hardly differ
            parameter.add_(0.1 * torch.randn_like(parameter))
    if change is not None:
        change(model)
    model.save_pretrained(path)
    return path


def _model(kind: str, count: int) -> Any:
    config: Any = hf.AutoConfig.for_model(kind.removesuffix("-base"), vocab_size=count, **ALL[kind])
    torch.manual_seed(3)
    if kind.startswith("funnel"):  # whose two classes AutoModel tells apart by a name that a new configuration lacks
        made: Any = (hf.FunnelBaseModel if kind.endswith("-base") else hf.FunnelModel)(config)
    else:
        made = hf.AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    return made.eval()
