"""Low-rank adapters (LoRA, arXiv 2106.09685) through `peft`: put on before training, merged into the weights at the end.

The output is a plain encoder again. Knows no loop; imports peft and torch only when adapters are asked for.
"""

from typing import TYPE_CHECKING

from syncse_local.training.options import TrainOptions, check_lora_installed

if TYPE_CHECKING:
    from syncse_local.encoders.transformer import Encoder


def add_adapters(encoder: "Encoder", options: TrainOptions) -> None:
    """Freeze the transformer and put an adapter of `lora_rank` beside each of its linear layers.

    What comes after the transformer (a [CLS] head) stays trainable. The adapters are drawn from the seed, and change
    nothing until they are trained. Raises SyncseError (preflight) without peft.
    """
    check_lora_installed()
    import peft
    import torch

    config = peft.LoraConfig(
        r=options.lora_rank,
        lora_alpha=options.lora_alpha or 2 * options.lora_rank,
        target_modules="all-linear",  # the heads of language models are no part of an encoder
        bias="none",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        encoder.model = peft.get_peft_model(encoder.model, config)


def merge_adapters(encoder: "Encoder") -> None:
    """Add the adapters to the weights they stand beside, and take them off."""
    encoder.model = encoder.model.merge_and_unload()
