"""Write a BERT with random weights and a WordPiece vocabulary made of given texts: full-size arithmetic, no download.

The default shape is MiniLM's (6 layers, 384 wide, 12 heads, 30,522 tokens). Knows no training.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
SHAPE = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
VOCABULARY = 30522


def write(folder: Path, texts: Iterable[str], seed: int = 0, **changes: Any) -> Path:
    """Write model and tokenizer to `folder` and return it; equal arguments give equal files.

    `changes` are BertConfig's arguments, such as `hidden_dropout_prob`.
    """
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = list(SPECIAL.values())
    trainer = trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=names, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    ends = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, model_max_length=128, **SPECIAL
    ).save_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        BertModel(BertConfig(vocab_size=VOCABULARY, **{**SHAPE, **changes})).save_pretrained(folder)
    return folder
