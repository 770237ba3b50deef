"""Text as it must be where a reader or a spreadsheet could be misled by it."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_INVISIBLE_LETTERS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Letters and marks that draw nothing: fillers, joiners and variation selectors (Unicode, Default_Ignorable)."""
_REFUSED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def csv_safe(text: str) -> str:
    """A CSV cell that no spreadsheet takes for a formula: an apostrophe is put before = + - @, tab, CR or LF.

    The same is done to apostrophes that already stand before such a character, so that `csv_restore` undoes exactly
    this and nothing else. (The character list is OWASP's, "CSV Injection".)
    """
    return f"'{text}" if _FORMULA.match(text) else text


def csv_restore(cell: str) -> str:
    """The text that `csv_safe` was given: one leading apostrophe is taken away where a formula sign follows it."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def printable(text: str) -> str:
    """One line that a terminal shows as it is: what would steer it, turn the text or not be seen is written `\\x1b`.

    That is every control, format (bidirectional, zero-width), surrogate, private-use and unassigned character, line
    separators and invisible fillers. For reading only: a backslash that was in the text is left alone.
    """
    return "".join(_escape(character) if _hidden(character) else character for character in text)


def display_width(text: str) -> int:
    """How many columns of a terminal the printable text takes: wide letters two, combining marks none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE_CATEGORIES or bool(_INVISIBLE_LETTERS.match(character))


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def refused_character(text: str) -> re.Match[str] | None:
    """The first character that no text may hold: half of a surrogate pair, or C0 but tab, LF and CR.

    PostgreSQL refuses NUL, and a terminal acts upon the others.
    """
    return _REFUSED.search(text)


def without_refused(text: str) -> str:
    """The text with U+FFFD, the sign of what cannot be shown, in place of every character that no text may hold."""
    return _REFUSED.sub("\ufffd", text)
