"""Masked language modelling beside the contrastive loss, as SimCSE's script has it (the SynCSE paper does not name it).

Hides 15 % of the tokens, 80 % by the mask token, 10 % by any token, 10 % unchanged. Knows no schedule.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from syncse_local.encoders.tokens import Ints
from syncse_local.encoders.transformer import Encoder
from syncse_local.modelfiles.encoder_files import refuse
from syncse_local.training.options import TrainOptions
from syncse_local.training.step import Stepper, StopRequested, autocast, chunk_seed

IGNORED = -100
"""The class that cross_entropy leaves out by default."""
STREAM = 1_000_000  # chunk numbers of the masked passes, apart from the contrastive ones


class MaskedHead(nn.Module):
    """Hidden states to vocabulary logits: Linear, GELU, LayerNorm, then the input embeddings again (BERT's head).

    Drawn from the seed: sentence encoders are mostly stored without one.
    """

    def __init__(self, encoder: Encoder, seed: int) -> None:
        super().__init__()
        size = int(encoder.model.config.hidden_size)
        self.dense = nn.Linear(size, size)
        self.norm = nn.LayerNorm(size)
        self.bias = nn.Parameter(torch.zeros(encoder.model.get_input_embeddings().weight.shape[0]))
        with torch.no_grad():
            self.dense.weight.normal_(0.0, 0.02, generator=torch.Generator().manual_seed(seed))
            self.dense.bias.zero_()

    def forward(self, hidden: Tensor, embeddings: Tensor) -> Tensor:
        """(n, d) hidden states and the (vocabulary, d) embeddings to (n, vocabulary) logits."""
        logits: Tensor = self.norm(nn.functional.gelu(self.dense(hidden))) @ embeddings.T + self.bias
        return logits


def hide(ids: Tensor, special: Tensor, mask_id: int, vocabulary: int, rate: float, seed: int) -> tuple[Tensor, Tensor]:
    """(input ids, targets), both (n, length); target -100: nothing is asked there. `special` ids are never hidden."""
    generator = torch.Generator().manual_seed(seed)
    chosen = (torch.rand(ids.shape, generator=generator) < rate) & ~torch.isin(ids, special)
    how = torch.rand(ids.shape, generator=generator)
    other = torch.randint(vocabulary, ids.shape, generator=generator)
    hidden = torch.where(chosen & (how < 0.8), torch.full_like(ids, mask_id), ids)
    hidden = torch.where(chosen & (how >= 0.9), other, hidden)
    return hidden, torch.where(chosen, ids, torch.full_like(ids, IGNORED))


def check_mask_token(encoder: Encoder) -> None:
    """Raise SyncseError (preflight) where the tokenizer has no mask token."""
    if encoder.tokenizer.mask_token_id is None:
        raise refuse(
            "No mask token", "The tokenizer has no mask token.", "Set mlm_weight to 0, or use a BERT-style encoder."
        )


def masked_backward(stepper: Stepper, head: MaskedHead, index: Ints, step: int) -> float:
    """Mean MLM loss over the batch's hidden tokens, before weighting; mlm_weight times its gradient is added."""
    encoder, options, tokens = stepper.encoder, stepper.options, stepper.tokens
    rows = index[:, :1] if options.unsupervised else index
    rows = rows.T.reshape(-1)
    parts = stepper.parts(rows)
    cpu = torch.device("cpu")
    batches = [tokens.padded(rows[part], cpu) for part in parts]
    pairs = [_hidden(encoder, options, ids, step, i) for i, (ids, _) in enumerate(batches)]
    asked = sum(int((targets != IGNORED).sum()) for _, targets in pairs)
    total = 0.0
    for i in stepper.ranks.own(len(parts)):
        (ids, targets), (_, mask) = pairs[i], batches[i]
        if stepper.stop():
            raise StopRequested
        torch.manual_seed(chunk_seed(options.seed, step, STREAM + i))
        loss = _summed(stepper, head, ids, mask, targets) / max(1, asked)
        if np.isfinite(value := float(loss.detach())):
            (options.mlm_weight * loss).backward()  # type: ignore[no-untyped-call]
        total += value
    return float(stepper.ranks.add(torch.tensor(total, dtype=torch.float64, device=encoder.device)))


def _hidden(encoder: Encoder, options: TrainOptions, ids: Tensor, step: int, chunk: int) -> tuple[Tensor, Tensor]:
    tokenizer = encoder.tokenizer
    special = torch.tensor(sorted(set(tokenizer.all_special_ids)))
    seed = chunk_seed(options.seed, step, 2 * STREAM + chunk)
    return hide(ids, special, tokenizer.mask_token_id, len(tokenizer), options.mlm_rate, seed)


def _summed(stepper: Stepper, head: MaskedHead, ids: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
    encoder = stepper.encoder
    device, wanted = encoder.device, targets != IGNORED
    with autocast(device, stepper.options.precision):
        states = encoder.model(input_ids=ids.to(device), attention_mask=mask.to(device)).last_hidden_state
        logits = head(states[wanted.to(device)], encoder.model.get_input_embeddings().weight)
    return cross_entropy(logits.float(), targets[wanted].to(device), reduction="sum")
