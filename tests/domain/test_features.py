"""What is counted of a text's form, against counts by hand."""

from __future__ import annotations

import pytest

from arena.domain.features import Features, features_of

TEXT = """# Treatment

Give **ibuprofen 400 mg** now:
- with food
* not with __warfarin__
  1. check kidneys
  2) check pressure
Not a - list, 2 * 3 ** 2 = 18, #tag, -5 degrees

### Follow-up ###
"""


def test_a_text_counted_by_hand() -> None:
    assert features_of(TEXT) == Features(length=len(TEXT.strip()), lists=4, headings=2, bold=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Features(0, 0, 0, 0)),
        ("  é🙂 \n", Features(2, 0, 0, 0)),
        ("- a\r\n- b\r- c", Features(11, 3, 0, 0)),
        ("####### seven", Features(13, 0, 0, 0)),
        ("**a** **b**", Features(11, 0, 0, 2)),
        ("** a **\n**over\nlines**", Features(22, 0, 0, 0)),
        ("-\n- ", Features(1 + 2, 0, 0, 0)),
    ],
)
def test_the_edges(text: str, expected: Features) -> None:
    assert features_of(text) == expected


@pytest.mark.parametrize("text", ["**" * 50_000, "**a" * 50_000, "_" * 100_000, "- " * 50_000, "\n \t" * 50_000])
def test_hostile_texts_are_counted_too(text: str) -> None:
    assert features_of(text).length <= len(text)
