"""An LSTM over word vectors."""

from dataclasses import replace
from typing import Any

from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from syncse_local.encoders.modules.states import TokenStates


class LSTM(nn.Module):
    """torch's, in one direction or both."""

    def __init__(self, inputs: int, hidden: int, layers: int, both: bool) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, hidden * (2 if both else 1)
        self.encoder = nn.LSTM(inputs, hidden, num_layers=layers, bidirectional=both, batch_first=True)

    def settings(self) -> dict[str, Any]:
        """Its lstm_config.json, by the names that all releases know."""
        sizes = {"hidden_dim": self.encoder.hidden_size, "num_layers": self.encoder.num_layers, "dropout": 0}
        return {"word_embedding_dimension": self.inputs, **sizes, "bidirectional": self.encoder.bidirectional}

    def forward(self, found: TokenStates) -> TokenStates:
        """Other states of the same tokens; a text without a token counts as one of padding."""
        lengths = found.mask.sum(1).clamp(min=1)
        packed = pack_padded_sequence(found.states, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states = pad_packed_sequence(self.encoder(packed)[0], batch_first=True)[0]
        return replace(found, states=states)
