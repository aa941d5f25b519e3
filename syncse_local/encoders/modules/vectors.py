"""The small modules that change a vector and not its width: scaling to length one, LayerNorm, dropout."""

from torch import Tensor, nn


class Normalize(nn.Module):
    """Scale every vector to length one."""

    inputs = outputs = 0

    def settings(self) -> dict[str, object]:
        """Its config.json; empty: none is written."""
        return {}

    def forward(self, vectors: Tensor) -> Tensor:
        """(..., d) to (..., d)."""
        return nn.functional.normalize(vectors, dim=-1)


class LayerNorm(nn.Module):
    """torch's, over a vector's numbers."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.inputs = self.outputs = size

    def settings(self) -> dict[str, object]:
        """Its config.json."""
        return {"dimension": self.outputs}

    def forward(self, vectors: Tensor) -> Tensor:
        """(n, d) to (n, d)."""
        result: Tensor = self.norm(vectors)
        return result


class Dropout(nn.Module):
    """Drops numbers in training alone."""

    inputs = outputs = 0

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def settings(self) -> dict[str, object]:
        """Its config.json."""
        return {"dropout": self.rate}

    def forward(self, vectors: Tensor) -> Tensor:
        """(n, d) to (n, d)."""
        return nn.functional.dropout(vectors, self.rate, self.training)
