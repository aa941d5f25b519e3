"""Which encoding a text file is in, where nobody says: UTF-8 if it is, UTF-16 by its marks, else what reads as a language.

A reading is taken only if every plausible one gives the same text; where two differ the file is refused with both. Knows
nothing of columns. Why no library does this: docs/decisions/tables.md.
"""

import codecs
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text import alphabets
from syncse_local.text.alphabets import Reads, latin
from syncse_local.text.files import pieces

SAMPLE = 1 << 17
"""Bytes of lines beyond ASCII that a guess looks at: some thousand words."""
SHOWN = 60
"""Characters of a reading in an error: what one line of it has room for."""
NUL_SHARE = 200
"""One NUL byte in so many says UTF-16: each of its line breaks has one, and a stray one in other text is rarer."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_WESTERN, _CENTRAL = (tuple(map(latin, letters)) for letters in (alphabets.WESTERN, alphabets.CENTRAL))
# What is tried, and as which languages a reading must read: the encodings of today's programs before those of yesterday's.
_TODAY: Mapping[str, tuple[Reads, ...]] = {
    "cp1252": _WESTERN,
    "cp1250": _CENTRAL,
    "cp1254": tuple(map(latin, alphabets.TURKISH)),
    "cp1257": tuple(map(latin, alphabets.BALTIC)),
    "cp1251": alphabets.cyrillic,
    "koi8_r": alphabets.cyrillic,
    "cp1253": (alphabets.greek,),
    "cp1255": (alphabets.hebrew,),
    "cp1256": (alphabets.arabic,),
    "cp874": (alphabets.thai,),
    "gb18030": (alphabets.simplified, alphabets.japanese),
    "big5": (alphabets.traditional,),
    "cp932": (alphabets.japanese,),
    "euc_jp": (alphabets.japanese,),
    "cp949": (alphabets.korean,),
}
_YESTERDAY: Mapping[str, tuple[Reads, ...]] = {
    "iso8859_15": _WESTERN,
    "mac_roman": _WESTERN,
    "cp850": _WESTERN,
    "iso8859_2": _CENTRAL,
    "cp852": _CENTRAL,
    "cp866": alphabets.cyrillic,
    "mac_cyrillic": alphabets.cyrillic,
}
_ANY = (str.isascii, *{way: None for ways in _TODAY.values() for way in ways})
_WIDE: Mapping[str, tuple[Reads, ...]] = {"utf-16-le": _ANY, "utf-16-be": _ANY}


def recognise(path: Path) -> str:
    """The encoding of a file. Raises SyncseError (PREFLIGHT), with two readings where it is not certain."""
    first = next(pieces(path), b"")
    if marked := marked_as(first):
        return marked
    if first.count(b"\0") * NUL_SHARE > len(first):
        wide = _plausible(first[: min(len(first), SAMPLE) & ~1], _WIDE)
        return wide[0] if len(wide) == 1 else "utf-8"  # whose reader then says where the NUL is
    place = _not_utf8(path)
    if place is None:
        return "utf-8"
    sample = _beyond_ascii(path, place)
    _refuse_damaged(path, sample, place)
    found = _plausible(sample, _TODAY) or _plausible(sample, _YESTERDAY)
    if len(found) == 1:
        return found[0]
    raise _unsure(path, sample, found, place)


def marked_as(start: bytes) -> str:
    """The encoding whose byte order mark stands at the start; empty without one."""
    return next((name for mark, name in MARKS if start.startswith(mark)), "")


def _plausible(sample: bytes, candidates: Mapping[str, tuple[Reads, ...]]) -> list[str]:
    """The encodings in which the sample reads as a language; one of those that give the same text."""
    texts: dict[str, str] = {}
    for name, languages in candidates.items():
        text = _decoded(sample, name)
        if text is not None and text not in texts and any(reads(text) for reads in languages):
            texts[text] = name
    return list(texts.values())


def _decoded(sample: bytes, name: str) -> str | None:
    """The text; None where it is none in this encoding."""
    try:
        text = codecs.getincrementaldecoder(name)("strict").decode(sample)
    except UnicodeError:
        return None
    odd = any(unicodedata.category(char) in ("Cc", "Co", "Cn", "Cs") and char not in "\t\n\r\f" for char in text)
    return None if odd else text


def _not_utf8(path: Path) -> int | None:
    """The place of the first byte that is not UTF-8; None where all are."""
    decoder, read = codecs.getincrementaldecoder("utf-8")("strict"), 0
    for piece in _ended(pieces(path)):
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            place = max(0, read - held + error.start)
            if not piece and error.end - error.start > 1:  # the first bytes of a character, and no more
                raise _damaged(path, place) from None
            return place
        read += len(piece)
    return None


def _ended(source: Iterable[bytes]) -> Iterator[bytes]:
    yield from source
    yield b""


def _beyond_ascii(path: Path, place: int) -> bytes:
    """Lines with other bytes than ASCII's: the first ones, and those from the line of the first wrong byte on."""
    kept, size, read, rest = list[bytes](), 0, 0, b""
    for piece in pieces(path):
        *whole, rest = (rest + piece).replace(b"\r", b"\n").split(b"\n")
        for line in whole:
            read += len(line) + 1
            if not line.isascii() and size < (SAMPLE if read > place else SAMPLE // 2):
                kept.append(line[:SAMPLE])
                size += len(kept[-1])
        if size >= SAMPLE and read > place:
            break
    else:
        kept += [] if rest.isascii() else [rest[:SAMPLE]]
    return b"\n".join(kept) + b"\n"


def _refuse_damaged(path: Path, sample: bytes, place: int) -> None:
    """Raise SyncseError where the text is UTF-8 but for a few bytes: cut off in a character, or two files in one."""
    text = sample.decode("utf-8", "surrogateescape")
    wrong = sum("\udc80" <= char <= "\udcff" for char in text)
    if sum(char > "\x7f" for char in text) - wrong > 9 * wrong:  # by chance a tenth of another encoding's pairs are
        raise _damaged(path, place)


def _damaged(path: Path, place: int) -> SyncseError:
    detail = f"{path} is not valid UTF-8 at byte {place}, though most of it is: cut off, damaged, or of two encodings."
    hint = "Export it again; `iconv -c -f utf-8 -t utf-8` leaves the wrong bytes out; or pass --encoding."
    return SyncseError("Wrong encoding", detail, hint, ExitCode.PREFLIGHT)


def _unsure(path: Path, sample: bytes, found: list[str], place: int) -> SyncseError:
    """The error that shows how the same words read in two encodings."""
    further = [name for name in (*_TODAY, "latin-1") if name not in found and _decoded(sample, name) is not None]
    readings = {name: sample.decode(name, "replace").splitlines() for name in [*found, *further][:2]}
    if not readings:
        hint = "Save it as text in UTF-8, or name its encoding with --encoding."
        detail = f"{path} is not valid UTF-8 at byte {place}, and no text in any encoding that is known here."
        return SyncseError("Not a text file", detail, hint, ExitCode.PREFLIGHT)
    lines = list(zip(*readings.values(), strict=False)) or [("",) * len(readings)]
    line = next((texts for texts in lines if len(set(texts)) > 1), lines[0])
    shown = " or ".join(f'"{_excerpt(text)}" ({name})' for name, text in zip(readings, line, strict=True))
    detail = f"{path} is not valid UTF-8 at byte {place}; it reads as {shown}."
    hint = f"Say which with --encoding {' or --encoding '.join(readings)}, or another; or save the file as UTF-8."
    return SyncseError("Which encoding?", detail, hint, ExitCode.PREFLIGHT)


def _excerpt(line: str) -> str:
    """The part of a line around its first sign beyond ASCII."""
    at = next((index for index, char in enumerate(line) if char > "\x7f"), 0)
    return " ".join(line[max(0, at - SHOWN // 2) : max(0, at - SHOWN // 2) + SHOWN].split())
