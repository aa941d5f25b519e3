"""Text to tokens and back for one loaded model, safe for any text and any vocabulary.

Knows llama.cpp's vocabulary functions; knows no prompts.
"""

import ctypes
import re
from typing import Any

import llama_cpp as native
import numpy as np
from numpy.typing import NDArray

CONTROL, USER_DEFINED = 1 << 3, 1 << 4
"""Bits of a token's kind in llama.h. Harmony's marks of turns are user-defined tokens there."""
_LIKE_A_MARK = re.compile(r"[<\[\u25c1\u3010]\S{1,60}[>\]\u25b7\u3011]")
"""llama.cpp's LLAMA_TOKEN_ATTR_CONTROL."""
SENTENCEPIECE = 1
"""llama.cpp's LLAMA_VOCAB_TYPE_SPM."""


class Vocab:
    """The vocabulary of a model (a llama.cpp model pointer that must outlive this)."""

    def __init__(self, model: Any) -> None:
        self.pointer = self._vocab = native.llama_model_get_vocab(model)
        self.size: int = native.llama_vocab_n_tokens(self._vocab)
        self.ends = np.fromiter((native.llama_vocab_is_eog(self._vocab, i) for i in range(self.size)), bool, self.size)
        self._add_bos: bool = native.llama_vocab_get_add_bos(self._vocab)
        self._pieces: list[bytes | None] = [None] * self.size
        self.bos = self.text(native.llama_vocab_bos(self._vocab))
        self.eos = self.text(native.llama_vocab_eos(self._vocab))
        kinds = ((i, native.llama_vocab_get_attr(self._vocab, i)) for i in range(self.size))
        marks = ((i, kind) for i, kind in kinds if kind & (CONTROL | USER_DEFINED))
        self.specials = [
            text for i, kind in marks if (text := self.text(i)) and (kind & CONTROL or _LIKE_A_MARK.fullmatch(text))
        ]
        self.longest = max((len(self.text(i).encode()) for i in range(self.size)), default=1)
        self._unwritable = self._find_unwritable()

    def text(self, token: int) -> str:
        """The vocabulary's text of a token; empty for none."""
        if not 0 <= token < self.size:
            return ""
        return str((native.llama_vocab_get_text(self._vocab, token) or b"").decode("utf-8", "replace"))

    def tokenise(self, text: str, rendered: bool = True) -> NDArray[np.int32]:
        """Token ids of a rendered prompt; the start token is added where the model wants it and the text has none.

        In a text that is not `rendered` the special tokens' texts are plain text, and all that the model wants are added.
        """
        data = self._mend(text).encode("utf-8", "replace")
        add = not (rendered and self._add_bos and self.bos and text.startswith(self.bos))
        capacity = len(data) + 8
        tokens = np.empty(capacity, np.int32)
        where = tokens.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
        count = native.llama_tokenize(self._vocab, data, len(data), where, capacity, add, rendered)
        if count < 0:
            raise ValueError(f"the text of {len(data)} bytes cannot be tokenised")
        return tokens[:count]

    def closes(self, token: int) -> bool:
        """Whether the token ends a text (end or separator), which no plain text is turned into."""
        return bool(self.ends[token]) or token == native.llama_vocab_sep(self._vocab)

    def piece(self, token: int) -> bytes:
        """The bytes that a token adds to the text. Control tokens are written out: they mark where reasoning ends."""
        known = self._pieces[token]
        if known is None:
            buffer = ctypes.create_string_buffer(256)
            length = native.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, True)
            if length < 0:
                buffer = ctypes.create_string_buffer(-length)
                length = native.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, True)
            known = self._pieces[token] = buffer.raw[: max(0, length)]
        return known

    def _find_unwritable(self) -> frozenset[str] | None:
        """The texts of a SentencePiece vocabulary that lacks byte tokens; None where every byte can be written."""
        if native.llama_vocab_type(self._vocab) != SENTENCEPIECE:
            return None
        known = frozenset(map(self.text, range(self.size)))
        return None if all(f"<0x{byte:02X}>" in known for byte in range(256)) else known

    def _mend(self, text: str) -> str:
        """A space for letters that the vocabulary lacks: llama.cpp ends the process on a byte it cannot write."""
        known = self._unwritable
        if known is None:
            return text
        space = " " if "▁" in known else ""

        def letter(char: str) -> str:
            written = "▁" if char == " " else char
            codes = char.encode("utf-8", "replace")
            fits = written in known or all(f"<0x{code:02X}>" in known or chr(code) in known for code in codes)
            return char if fits else space

        parts = re.split(f"({'|'.join(map(re.escape, self.specials))})", text) if self.specials else [text]
        return "".join(p if i % 2 else "".join(map(letter, p)) for i, p in enumerate(parts))
