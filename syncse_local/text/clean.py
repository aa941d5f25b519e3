"""Cleaning and keys of text. Every string from a file or a model passes here; knows nothing of prompts or files."""

import hashlib
import re
import unicodedata

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[@-Z\\^_])|\x9b[0-?]*[ -/]*[@-~]")
# Controls, bidirectional controls, invisible marks, lone surrogates and noncharacters. Tab, newline and the like are
# whitespace and stay; so do the joiners U+200C and U+200D, which Persian, Indic scripts and emoji need.
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    "\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_HALF = re.compile("[\ud800-\udfff]")
_ASCII_NOISE = bytes(code for code in range(128) if not chr(code).isalnum())
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


def clean(text: str) -> str:
    """Without terminal escapes, control, bidirectional and invisible characters; NFC; line breaks kept."""
    if "\x1b" in text or "\x9b" in text:
        text = _ANSI.sub("", text)
    return unicodedata.normalize("NFC", _HIDDEN.sub("", text))


def storable(text: str) -> str:
    """The text without lone halves of characters: bytes of a name that the locale could not read are taken as UTF-8."""
    if not _HALF.search(text):
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return _HALF.sub("\ufffd", text)


def normalise(text: str) -> str:
    """NFC, runs of whitespace as one space, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def sentence_key(text: str) -> str:
    """32 hex digits that name a sentence: a hash of its normalised form."""
    return key_of_normal(normalise(text))


def key_of_normal(text: str) -> str:
    """The sentence key of text that is normalised already."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def squash(text: str) -> str:
    """Letters, digits and marks only, case folded: what two sentences share when one is a copy of the other."""
    if text.isascii():
        return text.lower().encode("ascii").translate(None, _ASCII_NOISE).decode("ascii")
    return "".join(char for char in text.casefold() if unicodedata.category(char)[0] not in "PZCS")


def words(text: str) -> list[str]:
    """Words in lower case, without punctuation."""
    return _WORD.findall(text.lower())
