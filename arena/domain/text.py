"""Text as it must be where a reader or a spreadsheet could be misled by it."""

from __future__ import annotations

import re

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
