"""Which encoding bytes are in that are not UTF-8: the one whose letters make words.

Every candidate is tried on the words that hold other bytes than ASCII. Letters that its languages use count for it; symbols within
words, capitals behind small letters, two scripts in one word and rare characters count against it. Ties go to the commoner one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

MOST_WORDS = 2_000
LEAST = 0.3  # points a letter that the best candidate needs
USUAL, UNUSUAL, RARE, AGAINST = 1.0, 0.3, -0.5, -1.0  # points of a letter
WESTERN = set("äöüßÄÖÜéèêëàâçîïôùûœæÉÈÊÀÂÇÎÔñÑáíóúÁÍÓÚåÅøØãõÃÕìòÌÒ")
CENTRAL = set("ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉĚÍŇŘŠŤÚŮÝŽőűŐŰäöüÄÖÜßăâîșțţşđĐ")
TURKISH = set("çğıöşüÇĞİÖŞÜâîû")
CYRILLIC = {chr(code) for code in range(0x0410, 0x0450)} | set("ёЁіїєґІЇЄҐўЎ")
GREEK = {chr(code) for code in range(0x0386, 0x03CF)}
HEBREW = {chr(code) for code in range(0x05D0, 0x05EB)}
ARABIC = {chr(code) for code in range(0x0621, 0x064B)} | set("پچژگکی")
LATIN = (WESTERN, CENTRAL, TURKISH)
VOWELS = set("аеёиоуыэюяіїєАЕЁИОУЫЭЮЯІЇЄ")
ACCENTS = set("άέήίόύώϊϋΐΰ")
RUN = 3  # letters beyond ASCII one behind the other, which Latin words do not have
# In the order of preference; languages that are written in one script compete, so the commoner encoding stands first.
SINGLE: dict[str, set[str]] = {
    "cp1252": WESTERN,
    "cp1250": CENTRAL,
    "cp1254": TURKISH,
    "cp1251": CYRILLIC,
    "cp1255": HEBREW,
    "koi8-r": CYRILLIC,
    "cp1253": GREEK,
    "cp1256": ARABIC,
    "iso8859-2": CENTRAL,
    "cp850": WESTERN,
    "mac-roman": WESTERN,
    "cp866": CYRILLIC,
}
# First bytes of the characters that texts are mostly made of.
DOUBLE: dict[str, Callable[[int], bool]] = {
    "shift_jis": lambda lead: lead in (0x81, 0x82, 0x83) or 0x88 <= lead <= 0x97,
    "gb18030": lambda lead: 0xA1 <= lead <= 0xA3 or 0xB0 <= lead <= 0xD7,
    "big5": lambda lead: 0xA1 <= lead <= 0xC6,
    "euc_kr": lambda lead: 0xB0 <= lead <= 0xC8,
    "euc_jp": lambda lead: lead in (0xA1, 0xA4, 0xA5) or 0xB0 <= lead <= 0xCF,
}
PLAIN_WORDS = re.compile(rb"[A-Za-z\x80-\xff]+")


def likeliest_encodings(sample: bytes) -> list[str]:
    """The encodings whose letters make the best words, one of them unless several scripts of two bytes tie; empty: none does."""
    points = {encoding: _points(sample, encoding) or 0.0 for encoding in (*SINGLE, *DOUBLE)}
    most = max(points.values())
    if most < LEAST:
        return []
    best = [encoding for encoding, value in points.items() if value > most - 1e-9]
    return best[:1] if best[0] in SINGLE else best


def _points(sample: bytes, encoding: str) -> float | None:
    """Points a letter beyond ASCII; None where the bytes cannot be decoded."""
    try:
        sample.decode(encoding)
    except UnicodeDecodeError as error:
        if len(sample) - error.start > 3:  # a letter that the end cuts
            return None
    if encoding in DOUBLE:
        return _of_double(sample, encoding)
    words = [word for word in PLAIN_WORDS.findall(sample) if len(word) > 1 and not word.isascii()][:MOST_WORDS]
    total, letters = 0.0, 0
    for word in dict.fromkeys(words):
        text = word.decode(encoding, "replace")
        total += _of_word(text, SINGLE[encoding])
        letters += sum(letter > "\x7f" for letter in text)
    return total / letters if letters else None


def _of_word(text: str, usual: set[str]) -> float:
    points, letters = 0.0, sum(letter > "\x7f" for letter in text)
    if letters >= RUN and _is_no_word(text, usual):
        return AGAINST * letters
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha()}
    for place, letter in enumerate(text):
        if letter <= "\x7f":
            continue
        before = text[place - 1] if place else ""
        behind = text[place + 1] if place + 1 < len(text) else ""
        if not letter.isalpha():
            points += AGAINST if (before or behind) else 0.0
        elif len(scripts) > 1 or (letter.isupper() and before.islower()) or (behind.isupper() and letter.islower()):
            points += AGAINST
        else:
            points += USUAL if letter in usual else UNUSUAL
    if usual is GREEK and letters >= RUN and text.islower() and not ACCENTS & set(text):
        return min(points, UNUSUAL * letters)  # small letters bear an accent, but those of other languages do not
    return points


def _is_no_word(text: str, usual: set[str]) -> bool:
    """Whether the letters of a word could not be spoken: no vowel, or a Latin word of nothing but accents."""
    if usual is CYRILLIC:
        return not VOWELS & set(text)
    if any(usual is script for script in LATIN):
        return any(all(letter > "\x7f" for letter in text[place : place + RUN]) for place in range(len(text) - RUN + 1))
    return False


def _of_double(sample: bytes, encoding: str) -> float | None:
    common = DOUBLE[encoding]
    total, letters = 0.0, 0
    for letter in sample.decode(encoding, "ignore")[: MOST_WORDS * 4]:
        if letter <= "\x7f":
            continue
        lead = letter.encode(encoding)[0]
        letters += 1
        total += USUAL if common(lead) and len(letter.encode(encoding)) == 2 else RARE
    return total / letters if letters else None
