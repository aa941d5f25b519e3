"""sentence-transformers' modules around the pooling, one file a kind: `build` makes one from its spec. Knows no transformer.

To add a kind: its file here (`outputs`, `settings`, `forward`), its line in `MAKERS`, its reader in
`modelfiles/encoder_modules.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from syncse_local.encoders.modules.convolution import CNN
from syncse_local.encoders.modules.dense import Dense
from syncse_local.encoders.modules.layer_weights import WeightedLayerPooling
from syncse_local.encoders.modules.recurrent import LSTM
from syncse_local.encoders.modules.states import OnTokens
from syncse_local.encoders.modules.vectors import Dropout, LayerNorm, Normalize
from syncse_local.encoders.modules.word_weights import WordWeights
from syncse_local.modelfiles.encoder_files import refuse
from syncse_local.modelfiles.encoder_modules import TOKENS, ModuleSpec

MAKERS: dict[str, Callable[..., nn.Module]] = {
    made.__name__: made for made in (CNN, Dense, Dropout, LayerNorm, LSTM, Normalize, WeightedLayerPooling, WordWeights)
}
OF_VECTORS = (Dense, Dropout, LayerNorm, Normalize)


def build(spec: ModuleSpec) -> nn.Module:
    """The module with its weights. Raises SyncseError (preflight) where these do not fit its settings."""
    try:
        made = MAKERS[spec.kind](**spec.settings)
        if spec.weights:
            made.load_state_dict({name: tensor for file in spec.weights for name, tensor in _tensors(file, spec.names)})
    except (RuntimeError, ValueError) as error:
        where = spec.weights[0].parent if spec.weights else spec.kind
        detail = f"{where}: the weights and the settings of {spec.kind} do not fit each other."
        raise refuse("Wrong pooling", detail, "Copy the model again.") from error
    return OnTokens(made) if spec.on == TOKENS and isinstance(made, OF_VECTORS) else made


def kind_of(module: nn.Module) -> str:
    """The module's class in sentence-transformers."""
    return type(module.module if isinstance(module, OnTokens) else module).__name__


def _tensors(path: Path, names: Mapping[str, str]) -> Iterator[tuple[str, Tensor]]:
    """(the module's name, tensor) of those of the file that are the module's."""
    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 (it is no mapping)
                if not names or name in names:
                    yield names.get(name, name), file.get_tensor(name).float()
    except (OSError, SafetensorError) as error:
        raise refuse("Encoder unreadable", f"{path} is not a safetensors file.", "Copy the model again.") from error
