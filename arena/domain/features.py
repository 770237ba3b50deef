"""What can be counted of an answer's form: its length, list items, headings and bold passages."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ITEM = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,9}[.)])[ \t]+\S", re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+\S", re.MULTILINE)
_BOLD = re.compile(r"\*\*(?![\s*])[^*\n]+\*\*|__(?![\s_])[^_\n]+__")


@dataclass(frozen=True)
class Features:
    """Counts of one text.

    `length`: characters, without white space at the ends. `lists`: lines that begin with -, *, + or •, or with a number
    and a point or bracket. `headings`: lines that begin with one to six #. `bold`: passages on one line between ** or
    between __. They are counted as written, wherever they stand.
    """

    length: int
    lists: int
    headings: int
    bold: int


FEATURES = ("length", "lists", "headings", "bold")
"""The names of what is counted."""


def features_of(text: str) -> Features:
    """What is counted of a text, in time that follows its length."""
    text = "\n".join(text.splitlines())
    return Features(
        length=len(text.strip()),
        lists=len(_ITEM.findall(text)),
        headings=len(_HEADING.findall(text)),
        bold=len(_BOLD.findall(text)),
    )
