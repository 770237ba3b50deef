"""A spreadsheet must not run what a rater or a model wrote, and our own import must give the text back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.domain.text import csv_restore, csv_safe

SIGNS = "=+-@\t\r\n＝＋－＠"
TEXTS = st.text() | st.text(alphabet=SIGNS + "'a").filter(bool)


@given(TEXTS)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert not csv_safe(text).startswith(tuple(SIGNS))


@given(TEXTS)
def test_import_gives_the_text_back(text: str) -> None:
    assert csv_restore(csv_safe(text)) == text


@pytest.mark.parametrize("text", ["", "'", "'quoted' word", "a=b", " =1", "5-HT", "it's - so"])
def test_harmless_text_is_left_alone(text: str) -> None:
    assert csv_safe(text) == text
    assert csv_restore(text) == text


@pytest.mark.parametrize(
    ("text", "cell"), [("=1+1", "'=1+1"), ("-5 mmHg", "'-5 mmHg"), ("'=x", "''=x"), ("@SUM(A1)", "'@SUM(A1)")]
)
def test_known_cells(text: str, cell: str) -> None:
    assert csv_safe(text) == cell
