"""Whether a text reads as a language: its letters beyond ASCII are those of one, in words that a person would write.

Knows how languages are written; knows no encodings and no files.
"""

import unicodedata
from collections.abc import Callable

TOLERANCE = 0.03
"""Share of signs that a language does not write and that a text of it may still have: names, quotations, a slip."""
KANA = 0.2
"""Least share of kana among Japanese letters: about half of a text, and nothing of a Chinese one."""
Reads = Callable[[str], bool]

_MARGIN = "“”‘’‚„–—…«»‹›¡¿€£¥§©®™°·•²³½¼¾×÷´№±µªº\u00a0\u00ad"
_WITHIN_WORDS = "’‘·—…\u00a0\u00ad"  # of those, the ones that stand between two letters
_BEFORE_WORDS = "‚„¡¿"  # and those that never follow one
_WORDS = "àáâéèêíóôöåøæ"  # letters that are words
# The letters beyond ASCII (lower case) of languages by the regions that share an encoding. The last of the first row are
# those of names and loan words in English.
WESTERN = (
    "äöüß", "àâæçéèêëîïôœùûüÿ", "áéíñóúü", "áâãàçéêíóôõúü", "àèéìíòóùú", "áéèëïíóöüú", "äöåé", "æøåéóô",
    "áðéíóúýþæö", "àçéèíïóòúü", "éèêëïîôçñöüäáíóåøæß",
)  # fmt: skip
CENTRAL = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž", "äöüß")
TURKISH = ("çğıöşüâîû",)
BALTIC = ("ąčęėįšųūž", "āčēģīķļņšūž", "äöõüšž")
_SLAVIC = "абвгдежзклмнопрстуфхцчш"  # Russian and Bulgarian, Ukrainian, Belarusian, Serbian, Macedonian go on from here
CYRILLIC = tuple(_SLAVIC + more for more in ("ийщъыьэюяё", "ийщьюяіїєґ", "йыьэюяёіў", "иђјљњћџ", "иѓѕјљњќџ"))
# The fifty or so commonest characters, which are a third of any longer text.
_SIMPLIFIED = "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后"
_TRADITIONAL = "的一是不了在人有我他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可她裡後"
_SYLLABLES = "이다는가을의에하고를지은한도로사나기어서"


def _is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LM"


def _odd_signs(text: str, letters: str, mixes: bool) -> int:
    """How many signs beyond ASCII no person would have written there; `mixes`: ASCII letters stand in the same words."""
    odd, before = 0, " "
    for char, after in zip(text, f"{text[1:]} ", strict=True):
        if char > "\x7f":
            if _is_letter(char):
                raised = char.isupper() and before.islower()
                foreign = not mixes and any(c.isascii() and c.isalpha() for c in (before, after))
                alone = mixes and not before.isalpha() and not after.isalpha() and char.lower() not in _WORDS
                odd += char.lower()[:1] not in letters or raised or foreign or alone or after.isdigit()
            else:
                inside = before.isalpha() and after.isalpha() and char not in _WITHIN_WORDS
                odd += char not in _MARGIN or inside or (before.isalpha() and char in _BEFORE_WORDS)
        before = char
    return odd


def _is_rare(count: int, text: str) -> bool:
    return count <= TOLERANCE * sum(char > "\x7f" for char in text)


def latin(letters: str) -> Reads:
    """A language with these letters beside ASCII's, which are the fewer ones in its words."""

    def reads(text: str) -> bool:
        words = [word for word in text.split() if not word.isascii()]
        own = sum(char > "\x7f" and _is_letter(char) for word in words for char in word)
        few = own < 2 or 2 * own <= sum(char.isalpha() for word in words for char in word)
        return few and _is_rare(_odd_signs(text, letters, mixes=True), text)

    return reads


def alphabet(letters: str, common: str = "") -> Reads:
    """A language with letters of its own; the `common` ones, where given, are half of any text."""

    def reads(text: str) -> bool:
        own = [char.lower() for char in text if char > "\x7f" and _is_letter(char)]
        usual = not common or 2 * sum(char in common for char in own) >= len(own)
        return usual and _is_rare(_odd_signs(text, letters, mixes=False), text)

    return reads


def eastern(is_own: Callable[[str], bool], common: str, share: float) -> Reads:
    """A language of East Asia: its own letters, at least this share of them common, and the punctuation of the region."""

    def reads(text: str) -> bool:
        beyond = [char for char in text if char > "\x7f"]
        letters = [char for char in beyond if _is_letter(char)]
        signs = [char for char in beyond if not _is_letter(char)]
        odd = sum(not is_own(char) for char in letters)
        odd += sum(not ("\u3000" <= c <= "\u303f" or "\uff00" <= c <= "\uff60" or c in _MARGIN) for c in signs)
        return _is_rare(odd, text) and sum(char in common for char in letters) >= share * len(letters)

    return reads


def _is_hanzi(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"


def _is_kana(char: str) -> bool:
    return "\u3041" <= char <= "\u30ff"


def japanese(text: str) -> bool:
    """Kana and kanji, the first of them often."""
    letters = [char for char in text if char > "\x7f" and _is_letter(char)]
    own = eastern(lambda char: _is_kana(char) or _is_hanzi(char), "", 0.0)
    return own(text) and sum(map(_is_kana, letters)) >= KANA * len(letters)


simplified = eastern(_is_hanzi, _SIMPLIFIED, 0.06)
traditional = eastern(_is_hanzi, _TRADITIONAL, 0.12)
korean = eastern(lambda char: "\uac00" <= char <= "\ud7a3", _SYLLABLES, 0.1)
cyrillic = tuple(alphabet(letters, "оеаинтсрвлкі") for letters in CYRILLIC)
greek = alphabet("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώ", "αοιετσνηυρπκμάέήίόύώ")  # its other letters are rare
hebrew = alphabet("".join(map(chr, range(0x05B0, 0x05EB))), "יוהלאמרתבשנ")
arabic = alphabet("".join(map(chr, range(0x0621, 0x0653))) + "پچژگکی", "اليمونرتبةعدسه")
thai = alphabet("".join(map(chr, range(0x0E01, 0x0E5C))))
