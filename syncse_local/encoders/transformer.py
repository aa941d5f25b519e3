"""A sentence encoder: a transformer, its pooling and the modules around it, loaded from and saved to a local directory.

Knows no training and no task.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from syncse_local.encoders.first_token import first_token_only
from syncse_local.encoders.head import MODE_OF, fresh_cls_head, layer_mean
from syncse_local.encoders.loading import load_transformer
from syncse_local.encoders.modules import build, kind_of
from syncse_local.encoders.modules.convolution import CNN
from syncse_local.encoders.modules.dense import Dense
from syncse_local.encoders.modules.layer_weights import WeightedLayerPooling
from syncse_local.encoders.modules.pooling import Pooling
from syncse_local.encoders.modules.states import TokenStates
from syncse_local.encoders.probe import is_causal, longest_input, minds_padding, state_width, token_types
from syncse_local.encoders.saving import save_encoder
from syncse_local.encoders.tokens import Ints, TokenRows, chunks
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.encoder_files import refuse
from syncse_local.modelfiles.encoder_layout import Layout, read_layout

BATCH_TOKENS = {"cpu": 2048}  # what stays in a CPU's caches; 8,192 took a quarter longer


class Encoder(nn.Module):
    """Sentences to vectors. `max_length` counts tokens with the special ones; `dimension` is the size of what `forward` gives.

    `before` are the modules on the tokens' states, `tail` those on the pooled vector. `encode` cuts vectors to `truncate`
    numbers (0: never), which training does not: sentence-transformers does the same.
    """

    def __init__(self, model: Any, tokenizer: Any, layout: Layout, max_length: int = 0) -> None:
        super().__init__()
        self.model: Any = model
        self.tokenizer: Any = tokenizer
        self.before = nn.ModuleList()
        self.pooling = Pooling(layout.pooling.modes, layout.pooling.include_prompt)
        self.tail = nn.ModuleList()
        self.lower = layout.settings.lower
        self.prompts, self.similarity, self.truncate = layout.prompts, layout.similarity, layout.truncate
        longest = longest_input(model, tokenizer, layout.settings.max_length)
        self.max_length = longest.asked(max_length) if max_length > 0 else longest.tokens
        self.length_said = longest.said or max_length > 0
        self.left_out: list[str] = []
        self._types = token_types(model, tokenizer)

    @classmethod
    def load(
        cls, path: Path, device: str = "cpu", max_length: int = 0, pooling: str | None = None, seed: int | None = 0
    ) -> "Encoder":
        """Load a transformers or a sentence-transformers directory in float32, ready to encode.

        `pooling` None keeps the directory's own (one is assumed where it has none, see `Layout.notes`); a name of `POOLINGS`
        replaces it. A `cls` head is the directory's own, else a fresh one drawn from `seed`; with `seed` None nothing is drawn,
        and the pooler that the weights bring is taken. `max_length` 0 is the directory's own. Raises SyncseError (preflight)
        for whatever is missing, unsafe, inconsistent, not known or not finite.
        """
        path = Path(path)
        layout = read_layout(path)
        model, tokenizer = load_transformer(layout, seed or 0)
        encoder = cls(model, tokenizer, layout, max_length)
        encoder._take_modules(layout)
        if pooling == "cls" and seed is None and not encoder.has_cls_head:
            encoder._take_pooler(layout)
        elif pooling is not None:
            encoder.set_pooling(pooling, seed or 0)
        _check_finite(encoder, path)
        return encoder.to(torch.device(device)).eval()

    @property
    def prompt(self) -> str:
        """The text before every sentence of no named kind."""
        return self.prompts.text()

    @property
    def modes(self) -> tuple[str, ...]:
        """The pooling's modes, in sentence-transformers' names."""
        return self.pooling.modes

    @property
    def width(self) -> int:
        """Numbers of a token's state as the pooling is given it."""
        return next((made.outputs for made in reversed(_listed(self.before)) if made.outputs), state_width(self.model))

    @property
    def dimension(self) -> int:
        """Length of a vector of `forward`."""
        own = self.width * len(self.pooling.modes)
        return next((made.outputs for made in reversed(_listed(self.tail)) if made.outputs), own)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    @property
    def wants_layers(self) -> bool:
        """Whether the states of all layers are asked for."""
        return any(isinstance(module, WeightedLayerPooling) and module.active for module in self.before)

    @property
    def has_cls_head(self) -> bool:
        """Whether its vector is the first token through one dense layer and nothing else."""
        tail = _listed(self.tail)
        return self.modes == ("cls",) and len(tail) == 1 and isinstance(tail[0], Dense) and not len(self.before)

    def set_pooling(self, pooling: str, seed: int = 0) -> None:
        """Replace the pooling, and the modules around it, by one of `POOLINGS`; a `cls` head that is already there is kept.

        `left_out` names the modules with weights that are gone.
        """
        if pooling == "cls" and self.has_cls_head:
            return
        if pooling.startswith("cls") and is_causal(self.model):
            detail = "This encoder is a decoder: its first token sees nothing of the sentence."
            raise refuse("Wrong pooling", detail, "Use --pooling last_token or --pooling avg.")
        config = self.model.config
        self.left_out = [kind_of(made) for made in _listed(self.before) + _listed(self.tail) if made.state_dict()]
        self.pooling = Pooling(MODE_OF.get(pooling, ("mean",)), self.pooling.include_prompt)
        layers = layer_mean(pooling, int(config.num_hidden_layers))
        self.before = nn.ModuleList([layers] if layers else [])
        head = [fresh_cls_head(state_width(self.model), float(getattr(config, "initializer_range", 0.02)), seed)]
        self.tail = nn.ModuleList(head if pooling == "cls" else []).to(self.device)

    def tokenize(self, sentences: Sequence[str], max_length: int = 0, prompt: str | None = None) -> TokenRows:
        """Token ids with special tokens, cut at `max_length` (0: the encoder's); `prompt` None is the default one."""
        limit = min(max_length, self.max_length) if max_length > 0 else self.max_length
        before = self.prompt if prompt is None else prompt
        texts = [_sound(before + sentence) for sentence in sentences]
        if self.lower and getattr(self.tokenizer, "backend_tokenizer", None) is None:
            texts = [text.lower() for text in texts]  # the others do it themselves, see `loading`
        if not texts:
            return TokenRows.of([], self.tokenizer.pad_token_id)
        blank = [self.tokenizer.pad_token_id]  # where a tokenizer adds no token of its own, no text is no token
        found = self.tokenizer(
            texts, truncation=True, max_length=limit, return_attention_mask=False, return_token_type_ids=False
        )
        return TokenRows.of([row or blank for row in found["input_ids"]], self.tokenizer.pad_token_id)

    def skipped(self, prompt: str | None = None) -> int:
        """How many tokens at the start of every text the pooling leaves out: the prompt's, where it is not included."""
        before = self.prompt if prompt is None else prompt
        if self.pooling.include_prompt or not before:
            return 0
        if before not in self._skips:
            ids = self.tokenize([""], prompt=before).flat
            self._skips[before] = len(ids) - (int(ids[-1]) in self.tokenizer.all_special_ids)
        return self._skips[before]

    @cached_property
    def _skips(self) -> dict[str, int]:
        return {}

    def forward(self, ids: Tensor, mask: Tensor, skip: int | None = None) -> Tensor:
        """(n, length) ids and mask to (n, dimension) embeddings; `skip` None leaves out what the default prompt asks for."""
        left = self.skipped() if skip is None else skip
        types = {"token_type_ids": self._types.of(mask)} if self._types else {}
        first = self.modes == ("cls",) and not len(self.before) and not left
        with first_token_only(self.model) if first else nullcontext():
            output = self.model(input_ids=ids, attention_mask=mask, output_hidden_states=self.wants_layers, **types)
        states: Tensor = output.last_hidden_state
        if states.shape[1] not in (1, mask.shape[1]):  # Funnel's base has fewer states than tokens, and all count
            mask = mask.new_ones(states.shape[:2])
        found = TokenStates(states, mask, ids, output.hidden_states if self.wants_layers else None)
        for module in self.before:
            found = module(found)
        vectors: Tensor = self.pooling(found, left)
        for module in self.tail:
            vectors = module(vectors)
        return vectors

    @torch.inference_mode()
    def encode(
        self,
        sentences: Sequence[str],
        batch_tokens: int = 0,
        stop: Callable[[int], bool] | None = None,
        prompt: str | None = None,
    ) -> NDArray[np.float32]:
        """(len(sentences), dimension) embeddings in the given order, dropout off, in length-sorted batches.

        `batch_tokens` bounds a batch's padded size; 0 is a size for the device. `stop` is told between batches how many sentences are
        done; when it says yes, SyncseError (interrupted) is raised. `prompt` stands before every sentence in the default one's place.
        """
        training = self.training
        self.eval()
        try:
            rows, skip = self.tokenize(sentences, prompt=prompt), self.skipped(prompt)
            kept = min(self.truncate, self.dimension) or self.dimension
            found = np.zeros((len(sentences), kept), np.float32)
            done = 0
            for chunk in self._chunks(rows, batch_tokens or BATCH_TOKENS.get(self.device.type, 8192)):
                if stop is not None and stop(done):
                    raise SyncseError("Stopped", "Encoding was stopped.", "Start it again.", code=ExitCode.INTERRUPTED)
                vectors = self(*rows.padded(chunk, self.device), skip)[:, :kept]
                found[chunk] = vectors.float().cpu().numpy()
                done += len(chunk)
            return found
        finally:
            self.train(training)

    def _chunks(self, rows: TokenRows, budget: int) -> list[Ints]:
        """Batches; of one length each where padding would change the vectors."""
        lengths = rows.lengths(np.arange(len(rows)))
        if not self._minds_padding:
            return chunks(lengths, budget)
        apart = [np.flatnonzero(lengths == length) for length in np.unique(lengths)]
        return [group[part] for group in apart for part in chunks(lengths[group], budget)]

    @cached_property
    def _minds_padding(self) -> bool:
        return any(isinstance(module, CNN) for module in self.before) or minds_padding(self.model)

    def save(self, path: Path, readme: str = "") -> None:
        """Write the sentence-transformers layout to `path`, all or nothing; see `saving.save_encoder`."""
        save_encoder(self, Path(path), readme)

    def _take_modules(self, layout: Layout) -> None:
        stated = layout.pooling.dimension
        self.before = nn.ModuleList(map(build, layout.tokens))
        self.tail = nn.ModuleList(map(build, layout.tail))
        for module in self.before:
            if isinstance(module, WeightedLayerPooling):
                self._take_layers(module)
        width = self._checked(self.before, state_width(self.model))
        if stated and stated != width:
            detail = f"The pooling expects {stated} numbers a token, it is given {width}."
            raise refuse("Wrong pooling", detail, "Correct 1_Pooling/config.json, or copy the model again.")
        self._checked(self.tail, width * len(self.modes))

    def _take_layers(self, module: WeightedLayerPooling) -> None:
        module.active = bool(self.model.config.output_hidden_states)
        if module.active and module.layers != int(self.model.config.num_hidden_layers):
            detail = f"The layer weights are for {module.layers} layers, the model has {self.model.config.num_hidden_layers}."
            raise refuse("Wrong pooling", detail, "Copy the model again.")

    def _take_pooler(self, layout: Layout) -> None:
        """`cls` without drawing: the pooler of the weights, as SimCSE's evaluation takes it."""
        if layout.pooler is None:
            detail = f"{layout.root} has no head on [CLS]; training draws one, evaluation cannot."
            raise refuse("Wrong pooling", detail, "Use --pooling cls_before_pooler.")
        self.pooling = Pooling(("cls",), self.pooling.include_prompt)
        self.before, self.tail = nn.ModuleList(), nn.ModuleList([build(layout.pooler)])

    def _checked(self, modules: nn.ModuleList, width: int) -> int:
        """The width after the modules. Raises SyncseError where one is given another than it takes."""
        for made in _listed(modules):
            if made.inputs not in (0, width):
                detail = f"{type(made).__name__} expects {made.inputs} numbers, it would be given {width}."
                raise refuse("Wrong pooling", detail, "Copy the model again.")
            width = made.outputs or width
        return width


def _listed(modules: nn.ModuleList) -> list[Any]:
    return list(modules)


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
