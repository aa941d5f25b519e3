"""A sentence encoder: a transformer, its pooling and what follows, loaded from and saved to a local directory.

Reads safetensors only, never a hub name, and code from a model only where a person has allowed it (`layout`). Knows no
training and no task.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from syncse_local.encoders.first_token import first_token_only
from syncse_local.encoders.head import Dense, LayerMean, Normalize, fresh_cls_head, layer_mean, pool
from syncse_local.encoders.saving import save_encoder
from syncse_local.encoders.tokens import TokenRows, chunks
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.machine_memory import is_memory
from syncse_local.modelfiles.encoder_layout import DenseSpec, Layout, read_layout, refuse

OFFSET_POSITIONS = ("roberta", "xlm-roberta", "camembert")  # their first positions are the padding's
BATCH_TOKENS = {"cpu": 2048}  # what stays in a CPU's caches; 8,192 took a quarter longer
MODE_OF = {"cls": ("cls",), "cls_before_pooler": ("cls",), "last_token": ("lasttoken",)}
BROKEN = (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, ImportError, SafetensorError)


class Encoder(nn.Module):
    """Sentences to vectors. `max_length` counts tokens with the special ones; `dimension` is the vector's size."""

    def __init__(self, model: Any, tokenizer: Any, max_length: int = 0) -> None:
        super().__init__()
        self.model: Any = model
        self.tokenizer: Any = tokenizer
        self.modes: tuple[str, ...] = ("mean",)
        self.layers: LayerMean | None = None
        self.tail = nn.ModuleList()
        self.lower = False
        self.prompt = ""
        limit = _limit(model, tokenizer)
        self.max_length = min(max_length, limit) if max_length > 0 else limit

    @classmethod
    def load(
        cls, path: Path, device: str = "cpu", max_length: int = 0, pooling: str | None = None, seed: int = 0
    ) -> "Encoder":
        """Load a transformers or a sentence-transformers directory in float32, ready to encode.

        `pooling` None keeps the directory's own (mean pooling where it has none); a name of `POOLINGS` replaces it,
        and a fresh `cls` head is drawn from `seed` unless the directory brings one. `max_length` 0 is the
        directory's own. Raises SyncseError (preflight) for whatever is missing, unsafe, inconsistent or not finite.
        """
        path = Path(path)
        layout = read_layout(path)
        model, tokenizer = _transformer(layout.root, seed, layout.code)
        encoder = cls(model, tokenizer, max_length or layout.max_length)
        encoder.lower, encoder.prompt = layout.lower, layout.prompt
        encoder._take_pooling(layout)
        if pooling is not None:
            encoder.set_pooling(pooling, seed)
        _check_finite(encoder, path)
        return encoder.to(torch.device(device)).eval()

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        sizes = [layer.linear.out_features for layer in self.tail if isinstance(layer, Dense)]
        return int(sizes[-1]) if sizes else int(self.model.config.hidden_size) * len(self.modes)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def set_pooling(self, pooling: str, seed: int = 0) -> None:
        """Replace the pooling by one of `POOLINGS`; a `cls` head that is already there is kept."""
        size = int(self.model.config.hidden_size)
        dense = [layer for layer in self.tail if isinstance(layer, Dense)]
        if pooling == "cls" and self.modes == ("cls",) and len(dense) == len(self.tail) == 1:
            return
        if pooling.startswith("cls") and is_causal(self.model):
            detail = "This encoder is a decoder: its first token sees nothing of the sentence."
            raise refuse("Wrong pooling", detail, "Use --pooling last_token or --pooling avg.")
        self.modes = MODE_OF.get(pooling, ("mean",))
        self.layers = layer_mean(pooling, int(self.model.config.num_hidden_layers))
        head = [fresh_cls_head(size, float(getattr(self.model.config, "initializer_range", 0.02)), seed)]
        self.tail = nn.ModuleList(head if pooling == "cls" else []).to(self.device)

    def tokenize(self, sentences: Sequence[str], max_length: int = 0) -> TokenRows:
        """Token ids with special tokens, cut at `max_length` (0: the encoder's)."""
        limit = min(max_length, self.max_length) if max_length > 0 else self.max_length
        texts = [_sound(self.prompt + (s.lower() if self.lower else s)) for s in sentences]
        if not texts:
            return TokenRows.of([], self.tokenizer.pad_token_id)
        blank = [self.tokenizer.pad_token_id]  # where a tokenizer adds no token of its own, no text is no token
        found = self.tokenizer(
            texts, truncation=True, max_length=limit, return_attention_mask=False, return_token_type_ids=False
        )
        return TokenRows.of([row or blank for row in found["input_ids"]], self.tokenizer.pad_token_id)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(n, length) ids and mask to (n, dimension) embeddings."""
        first = self.modes == ("cls",) and self.layers is None
        with first_token_only(self.model) if first else nullcontext():
            output = self.model(input_ids=ids, attention_mask=mask, output_hidden_states=self.layers is not None)
        tokens = self.layers(output.hidden_states) if self.layers else output.last_hidden_state
        vectors = torch.cat([pool(mode, tokens, mask) for mode in self.modes], dim=-1)
        for layer in self.tail:
            vectors = layer(vectors)
        return vectors

    @torch.inference_mode()
    def encode(
        self, sentences: Sequence[str], batch_tokens: int = 0, stop: Callable[[int], bool] | None = None
    ) -> NDArray[np.float32]:
        """(len(sentences), dimension) embeddings in the given order, dropout off, in length-sorted batches.

        `batch_tokens` bounds a batch's padded size; 0 is a size for the device. `stop` is told between batches how many sentences are
        done; when it says yes, SyncseError (interrupted) is raised.
        """
        training = self.training
        self.eval()
        try:
            rows = self.tokenize(sentences)
            found = np.zeros((len(sentences), self.dimension), np.float32)
            budget = batch_tokens or BATCH_TOKENS.get(self.device.type, 8192)
            done = 0
            for chunk in chunks(rows.lengths(np.arange(len(rows))), budget):
                if stop is not None and stop(done):
                    raise SyncseError("Stopped", "Encoding was stopped.", "Start it again.", code=ExitCode.INTERRUPTED)
                found[chunk] = self(*rows.padded(chunk, self.device)).float().cpu().numpy()
                done += len(chunk)
            return found
        finally:
            self.train(training)

    def save(self, path: Path, readme: str = "") -> None:
        """Write the sentence-transformers layout to `path`, all or nothing; see `saving.save_encoder`."""
        save_encoder(self, Path(path), readme)

    def _take_pooling(self, layout: Layout) -> None:
        size = int(self.model.config.hidden_size)
        if layout.dimension and layout.dimension != size:
            detail = f"The pooling expects {layout.dimension} numbers a token, the model gives {size}."
            raise refuse("Wrong pooling", detail, "Correct 1_Pooling/config.json, or copy the model again.")
        self.modes = layout.modes
        if layout.layers:
            self.layers = _layer_weights(*layout.layers, int(self.model.config.num_hidden_layers))
        width = size * len(layout.modes)
        for spec in layout.tail:
            if isinstance(spec, DenseSpec):
                if spec.inputs != width:
                    detail = f"{spec.weights.parent.name} expects {spec.inputs} numbers, it would be given {width}."
                    raise refuse("Wrong pooling", detail, "Copy the model again.")
                width = spec.outputs
                self.tail.append(_dense(spec))
            else:
                self.tail.append(Normalize())


def _transformer(root: Path, seed: int, code: bool) -> tuple[Any, Any]:
    quiet = logging.getLogger("transformers").level
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # a pooler that the weights lack is drawn, and saved again
            model, info = AutoModel.from_pretrained(
                root,
                local_files_only=True,
                trust_remote_code=code,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, with a clearer word
            )
        tokenizer = AutoTokenizer.from_pretrained(root, local_files_only=True, trust_remote_code=code)
    except BROKEN as error:
        if is_memory(error):
            raise
        detail = f"{root} could not be loaded: {_first_line(error)}"
        raise refuse("Encoder unreadable", detail, "Copy the model again, or try another one.") from error
    finally:
        transformers_logging.set_verbosity(quiet)
    missing = [name for name in info["missing_keys"] if not name.startswith("pooler.")]
    if missing or info["mismatched_keys"]:
        detail = f"{len(missing) + len(info['mismatched_keys'])} tensors of {root} are missing or of another shape."
        raise refuse("Encoder incomplete", detail, "Copy model.safetensors and config.json of the same model.")
    _prepare_padding(model, tokenizer)
    _check_vocabulary(model, tokenizer, root)
    return model, tokenizer


def _prepare_padding(model: Any, tokenizer: Any) -> None:
    """Decoders are made to write, with padding on the left or none, and a cache: here they read, padded on the right."""
    tokenizer.padding_side = "right"
    if tokenizer.pad_token_id is None and tokenizer.eos_token_id is not None:
        tokenizer.pad_token = tokenizer.eos_token  # masked wherever it pads, so it matters not which
    if getattr(model.config, "use_cache", False):
        model.config.use_cache = False


@torch.no_grad()
def is_causal(model: Any) -> bool:
    """Whether a token sees only those before it: the first one's state does not change with the second."""
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    ids = torch.tensor([[3, 4], [3, 5]], device=device) % model.get_input_embeddings().weight.shape[0]
    states = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    model.train(training)
    return bool(torch.allclose(states[0, 0], states[1, 0], atol=1e-6))


def _check_vocabulary(model: Any, tokenizer: Any, root: Path) -> None:
    rows = int(model.get_input_embeddings().weight.shape[0])
    if len(tokenizer) > rows:
        detail = f"The tokenizer of {root} has {len(tokenizer)} tokens, the model only {rows}."
        raise refuse("Vocabulary mismatch", detail, "Copy the tokenizer that belongs to the model.")
    if tokenizer.pad_token_id is None or getattr(model.config, "is_encoder_decoder", False):
        detail = f"{root} has neither a padding nor an end token, or is an encoder-decoder."
        raise refuse("Not an encoder", detail, "Use a BERT- or RoBERTa-style encoder, or a decoder.")


def _limit(model: Any, tokenizer: Any) -> int:
    positions = int(getattr(model.config, "max_position_embeddings", 512))
    if model.config.model_type in OFFSET_POSITIONS:
        positions -= int(model.config.pad_token_id) + 1
    return max(3, min(positions, int(tokenizer.model_max_length)))


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise refuse("Encoder unreadable", f"{path} is not a safetensors file.", "Copy the model again.") from error


def _dense(spec: DenseSpec) -> Dense:
    dense = Dense(spec.inputs, spec.outputs, spec.bias, spec.activation)
    try:
        dense.load_state_dict({name: tensor.float() for name, tensor in _tensors(spec.weights).items()})
    except RuntimeError as error:
        detail = f"{spec.weights} does not fit its config.json."
        raise refuse("Wrong pooling", detail, "Copy the model again.") from error
    return dense


def _layer_weights(path: Path, start: int, layers: int) -> LayerMean:
    weights = _tensors(path).get("layer_weights")
    if weights is None or not 0 <= start <= layers or weights.shape != (layers + 1 - start,) or weights.sum() == 0:
        raise refuse("Wrong pooling", f"{path} does not fit a model of {layers} layers.", "Copy the model again.")
    return LayerMean(start, tuple(weights.tolist()))


def _check_finite(encoder: Encoder, path: Path) -> None:
    broken = [name for name, tensor in encoder.state_dict().items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        detail = f"{len(broken)} tensors of {path} hold NaN or infinite numbers, the first is {broken[0]}."
        raise refuse(
            "Broken weights", detail, "Copy the model again; if it was trained here, take an earlier checkpoint."
        )


def _sound(text: str) -> str:
    """Without lone surrogates, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
