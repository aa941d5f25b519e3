"""A transformer and its tokenizer from a local directory, in float32, made to read: padded on the right, without a cache.

Reads safetensors only, never a hub name, and code from a model only where a person has allowed it. Knows no pooling.
"""

import importlib
import logging
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from tokenizers.normalizers import Lowercase, Sequence
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from syncse_local.machine_memory import is_memory
from syncse_local.modelfiles.encoder_files import refuse
from syncse_local.modelfiles.encoder_layout import Layout
from syncse_local.modelfiles.foreign import foreign_in
from syncse_local.modelfiles.transformer_settings import TransformerSettings

BROKEN = (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, ImportError, SafetensorError)
HALVES = {
    "longt5": "LongT5EncoderModel",
    "mt5": "MT5EncoderModel",
    "switch_transformers": "SwitchTransformersEncoderModel",
    "t5": "T5EncoderModel",
    "umt5": "UMT5EncoderModel",
}
"""Encoder-decoders whose encoder transformers takes out of the whole, as sentence-transformers has it do."""
ALONE = {
    "m2m_100": "m2m_100.modeling_m2m_100:M2M100Encoder",
    "marian": "marian.modeling_marian:MarianEncoder",
    "pegasus": "pegasus.modeling_pegasus:PegasusEncoder",
}
"""Those whose encoder loads where it was saved by itself; of a whole model it would be left random."""


def load_transformer(layout: Layout, seed: int) -> tuple[Any, Any]:
    """(model, tokenizer). Raises SyncseError (preflight) for whatever is incomplete, broken or no encoder."""
    root = layout.root
    quiet = logging.getLogger("transformers").level
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        config = _config(root, layout)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # a pooler that the weights lack is drawn, and saved again
            model, info = _class(root, config).from_pretrained(
                root,
                config=config,
                local_files_only=True,
                trust_remote_code=layout.code,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, with a clearer word
            )
        options = layout.settings.tokenizer
        tokenizer = AutoTokenizer.from_pretrained(root, local_files_only=True, trust_remote_code=layout.code, **options)
    except BROKEN as error:
        if is_memory(error):
            raise
        if found := foreign_in(root):
            raise refuse("Encoder unreadable", f"{found[0]} is {found[1]}.", found[2]) from error
        detail = f"{root} could not be loaded: {_first_line(error)}"
        raise refuse("Encoder unreadable", detail, "Copy the model again, or try another one.") from error
    finally:
        transformers_logging.set_verbosity(quiet)
    missing = [name for name in info["missing_keys"] if not name.startswith("pooler.")]
    if missing or info["mismatched_keys"]:
        detail = f"{len(missing) + len(info['mismatched_keys'])} tensors of {root} are missing or of another shape."
        raise refuse("Encoder incomplete", detail, "Copy model.safetensors and config.json of the same model.")
    _prepare(model, tokenizer, layout.settings)
    _check_vocabulary(model, tokenizer, root)
    return model, tokenizer


def _config(root: Path, layout: Layout) -> Any:
    """config.json with the values that sentence-transformers' files put in its place."""
    config = AutoConfig.from_pretrained(root, local_files_only=True, trust_remote_code=layout.code)
    for name, value in layout.settings.config.items():
        if not hasattr(config, name) or callable(getattr(config, name)):
            detail = f"{root}: config_kwargs sets {name[:40]!r}, which {config.model_type} does not have."
            raise refuse("Encoder not supported", detail, "Use another encoder.")
        setattr(config, name, value)
    return config


def _class(root: Path, config: Any) -> Any:
    """The class that reads sentences: the whole model, or the encoder of an encoder-decoder."""
    if half := HALVES.get(config.model_type):
        return getattr(transformers, half)
    module, _, name = ALONE.get(config.model_type, "").partition(":")
    if name and name in (config.architectures or ()):
        return getattr(importlib.import_module(f"transformers.models.{module}"), name)
    if getattr(config, "is_encoder_decoder", False):
        detail = f"{root} is an encoder-decoder ({config.model_type}), whose encoder is not loaded by itself here."
        raise refuse("Not an encoder", detail, "Use a BERT- or RoBERTa-style encoder, a T5 or a decoder.")
    return AutoModel


def _prepare(model: Any, tokenizer: Any, settings: TransformerSettings) -> None:
    """Decoders are made to write, with padding on the left or none, and a cache: here they read, padded on the right."""
    tokenizer.padding_side = "right"
    if tokenizer.pad_token_id is None and tokenizer.eos_token_id is not None:
        tokenizer.pad_token = tokenizer.eos_token  # masked wherever it pads, so it matters not which
    if getattr(model.config, "use_cache", False):
        model.config.use_cache = False
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if settings.lower and backend is not None:
        _lower(backend)


def _lower(backend: Any) -> None:
    """Lower case before all else, prompts included and special tokens not, where the tokenizer does not do it already."""
    own = backend.normalizer
    parts = [own[i] for i in range(len(own))] if isinstance(own, Sequence) else [own] if own is not None else []
    if not any(isinstance(part, Lowercase) for part in parts):
        backend.normalizer = Sequence([Lowercase(), *parts])


def _check_vocabulary(model: Any, tokenizer: Any, root: Path) -> None:
    rows = int(model.get_input_embeddings().weight.shape[0])
    if len(tokenizer) > rows:
        detail = f"The tokenizer of {root} has {len(tokenizer)} tokens, the model only {rows}."
        raise refuse("Vocabulary mismatch", detail, "Copy the tokenizer that belongs to the model.")
    if tokenizer.pad_token_id is None:
        detail = f"{root} has neither a padding nor an end token."
        raise refuse("Not an encoder", detail, "Use a BERT- or RoBERTa-style encoder, or a decoder.")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
