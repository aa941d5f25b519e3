"""A grammar (llama.cpp's GBNF) that one row's text must follow, token by token.

Knows llama.cpp's grammar sampler; does not draw tokens.
"""

import ctypes
from typing import Any

import llama_cpp as native
import numpy as np
from numpy.typing import NDArray

ROOT = b"root"
_ENTRY = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Grammar:
    """The state of one row in the grammar `text`, whose first rule is `root`. Raises ValueError for one with mistakes."""

    def __init__(self, vocab: Any, text: str) -> None:
        self._sampler = native.llama_sampler_init_grammar(vocab, text.encode(), ROOT)
        if not self._sampler:
            raise ValueError("The grammar cannot be read: see the run's log for the place.")

    def allows(self, token: int) -> bool:
        """Whether the text may go on with this token (an end token: whether it may end here)."""
        return bool(np.isfinite(self._apply(np.array([(token, 0.0, 0.0)], _ENTRY))[0]))

    def mask(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """The logits (vocabulary,) of one row with minus infinity for every token that may not follow."""
        entries = np.zeros(len(logits), _ENTRY)
        entries["id"], entries["logit"] = np.arange(len(logits)), logits
        return self._apply(entries)

    def accept(self, token: int) -> None:
        """Go on with a token that is allowed."""
        native.llama_sampler_accept(self._sampler, token)

    def _apply(self, entries: NDArray[Any]) -> NDArray[np.float32]:
        data = entries.ctypes.data_as(ctypes.POINTER(native.llama_token_data))
        candidates = native.llama_token_data_array(data, len(entries), -1, False)
        native.llama_sampler_apply(self._sampler, ctypes.byref(candidates))
        found: NDArray[np.float32] = entries["logit"].copy()
        return found

    def __del__(self) -> None:
        sampler, self._sampler = getattr(self, "_sampler", None), None
        if sampler:
            native.llama_sampler_free(sampler)
