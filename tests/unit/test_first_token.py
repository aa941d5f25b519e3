"""A last layer for the first token alone: the state and every gradient are those of the whole layer."""

from contextlib import nullcontext
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel, PreTrainedModel

from syncse_local.encoders.first_token import KNOWN, first_token_only
from syncse_local.encoders.transformer import Encoder
from syncse_local.training.lora import add_adapters
from tests.unit.training_setup import options

LENGTHS = {"padded": [9, 3, 1, 6], "of one length": [9, 9, 9, 9]}


def encoder(kind: str, **more: object) -> PreTrainedModel:
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "embedding_size": 32, "num_attention_heads": 4, "intermediate_size": 64}
    config = AutoConfig.for_model(kind, **sizes, num_hidden_layers=2, vocab_size=100, **more)
    model: PreTrainedModel = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    model.train(False)
    return model


def first_and_gradients(
    model: PreTrainedModel, lengths: list[int], alone: bool
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The first tokens' states, and the gradient of a sum of them that weights every number differently."""
    ids = torch.randint(5, 99, (4, 9), generator=torch.Generator().manual_seed(1))
    mask = (torch.arange(9) < torch.tensor(lengths)[:, None]).long()
    model.zero_grad()
    with first_token_only(model) if alone else nullcontext():
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state
    assert states.shape == (4, 1 if alone else 9, 32)
    first = states[:, 0]
    (first * torch.randn(4, 32, generator=torch.Generator().manual_seed(2))).sum().backward()
    return first.detach(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize(("kind", "lengths", "attention"), product(KNOWN, LENGTHS, ("sdpa", "eager")))
def test_state_and_gradients_are_the_whole_layers(kind: str, lengths: str, attention: str) -> None:
    model = encoder(kind, attn_implementation=attention)
    state, gradients = first_and_gradients(model, LENGTHS[lengths], alone=False)
    found, own = first_and_gradients(model, LENGTHS[lengths], alone=True)
    torch.testing.assert_close(found, state, atol=1e-6, rtol=1e-5)
    assert gradients.keys() == own.keys()
    assert "encoder.layer.1.output.dense.weight" in own
    for name, gradient in gradients.items():
        torch.testing.assert_close(own[name], gradient, atol=2e-6, rtol=1e-4, msg=name)


def test_the_whole_layer_is_back_afterwards_and_after_an_error() -> None:
    model = encoder("bert")
    names = list(model.state_dict())
    with pytest.raises(RuntimeError, match="on the way"), first_token_only(model):
        raise RuntimeError("on the way")
    assert list(model.state_dict()) == names
    assert model(input_ids=torch.full((1, 5), 7)).last_hidden_state.shape == (1, 5, 32)


def test_dropout_is_drawn_in_training_alone() -> None:
    model: Any = encoder("bert", attention_probs_dropout_prob=0.5, hidden_dropout_prob=0.0)
    ids = torch.arange(5, 14).view(1, 9)
    with torch.no_grad(), first_token_only(model):
        still = [model(input_ids=ids).last_hidden_state for _ in range(2)]
        model.encoder.layer[0].attention.self.dropout.p = 0.0
        model.train()
        drawn = [model(input_ids=ids).last_hidden_state for _ in range(2)]
    assert torch.equal(*still)
    assert not torch.equal(*drawn)


@pytest.mark.parametrize(
    ("kind", "more"), [("bert", {"is_decoder": True}), ("distilbert", {"dim": 32, "n_heads": 4, "n_layers": 2})]
)
def test_decoders_and_other_models_are_left_alone(kind: str, more: dict[str, object]) -> None:
    model = encoder(kind, **more)
    with first_token_only(model):
        assert model(input_ids=torch.full((1, 5), 7)).last_hidden_state.shape[1] == 5


@pytest.mark.parametrize(
    ("pooling", "rank", "queries"),
    [("cls", 0, 1), ("cls_before_pooler", 0, 1), ("cls", 4, 1), ("avg", 0, 9), ("avg_top2", 0, 9)],
)
def test_an_encoder_asks_for_what_its_pooling_looks_at(
    tiny_encoder: Path, tmp_path: Path, pooling: str, rank: int, queries: int
) -> None:
    """By what the last layer's queries are computed from; with LoRA's adapters as well."""
    encoder = Encoder.load(tiny_encoder, pooling=pooling)
    query = encoder.model.encoder.layer[-1].attention.self.query
    seen: list[int] = []
    query.register_forward_hook(lambda _, given, made: seen.append(given[0].shape[1]))
    if rank:
        add_adapters(encoder, options(tiny_encoder, tmp_path, lora_rank=rank))
    ids = torch.arange(5, 14).view(1, 9)
    encoder(ids, torch.ones_like(ids))
    assert seen == [queries]
