from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.domain.text import display_width, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Médecin 7B", "Médecin 7B"),
        ("red \x1b[31mtext", "red \\x1b[31mtext"),
        ("two\nlines\r\x00", "two\\x0alines\\x0d\\x00"),
        ("\x9b31m", "\\x9b31m"),
        ("right\u202eleft", "right\\u202eleft"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("filler\u3164", "filler\\u3164"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("line\u2028end", "line\\u2028end"),
        ("lone \udc80", "lone \\udc80"),
    ],
)
def test_what_steers_a_terminal_or_is_not_seen_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_any_text_becomes_one_line_that_python_too_holds_printable(text: str) -> None:
    shown = printable(text)
    assert all(character.isprintable() or character.isspace() for character in shown)
    assert len(shown.splitlines()) <= 1
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert printable(shown) == shown


def test_width_in_columns() -> None:
    assert display_width("abc") == 3
    assert display_width("模型") == 4
    assert display_width("e\u0301") == 1
