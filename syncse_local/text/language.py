"""What language a text is in, as far as its script and its small words tell. Names no language that it has no list for."""

import unicodedata
from collections import Counter
from functools import lru_cache

from syncse_local.text.words import LOOKED_AT, tokens

OWN_SHARE = 0.1
"""A script with this share of a sentence's letters is the sentence's own. Chosen, not measured: a foreign name is less."""
TELLING_WORDS = 2
"""Different small words that name a language. One alone is often a word of another language too ("die", "as", "on")."""
SMALL_WORDS = {
    "en": "the of and is are was were this that with from have has not they which would there their been to it its he she his her "
    "an on at by for out into while every all these those when who what",
    "de": "der das und ist nicht ein eine einen mit von auf wird wurde sind auch dem den sich ich sie für",
    "fr": "le les des est une dans pour qui pas sur avec sont cette vous nous ils elle du au et était",
    "es": "el los las una por con para está como pero fue son más sus muy también ella han y del",
    "it": "il gli della che non per sono una con nel alla anche più questo loro stato era è degli ha",
    "pt": "os uma não com por mais dos ao foi são ela muito também seu sua está ele pelo você nos",
    "nl": "het een van niet zijn voor met aan ook wordt door bij naar hij deze werd hebben uit wij zij",
    "sv": "och att det som på är inte med till av han hon den ett jag från har var vid efter",
}
"""Frequent words without a meaning of their own, by language."""
_ONE_SCRIPT = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "FULLWIDTH": "LATIN", "HALFWIDTH": "CJK"}
"""Unicode's names for scripts that are written together, or are another width of one."""


def _languages() -> dict[str, set[str]]:
    """Each small word with the languages that have it."""
    found: dict[str, set[str]] = {}
    for language, listed in SMALL_WORDS.items():
        for word in listed.split():
            found.setdefault(word, set()).add(language)
    return found


_LANGUAGES = _languages()


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    name = unicodedata.name(char, "").partition(" ")[0] if char.isalpha() else ""
    return _ONE_SCRIPT.get(name, name)


def _scripts(text: str) -> Counter[str]:
    found = Counter(map(_script, text[:LOOKED_AT]))
    del found[""]
    return found


def own_scripts(sentence: str) -> frozenset[str]:
    """The scripts that more than a few of the sentence's letters are in."""
    found = _scripts(sentence)
    return frozenset(name for name, count in found.items() if count >= OWN_SHARE * found.total())


def script_share(text: str, own: frozenset[str]) -> float:
    """The share of the text's letters that are in these scripts; 1 for a text without letters."""
    found = _scripts(text)
    return sum(found[name] for name in own) / found.total() if found else 1.0


def small_words(text: str) -> Counter[str]:
    """How many different small words of each language the text has."""
    return Counter(name for word in set(tokens(text)) for name in _LANGUAGES.get(word, ()))


def has_drifted(sentence: str, text: str) -> bool:
    """Whether both have several small words of a language, and the text none of any that the sentence may be in."""
    own, found = small_words(sentence), small_words(text)
    telling = all(max(counts.values(), default=0) >= TELLING_WORDS for counts in (own, found))
    return telling and not own.keys() & found.keys()
