"""Records without anything special are read by a short way, which gives and refuses what the long way does."""

from __future__ import annotations

import io
import re
import tracemalloc
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.errors import BadRecords
from arena.services import counted
from arena.services.files import csvfiles, each_vote, raw, read_records
from arena.services.files.raw import BadField, Limits, Unreadable

LINES = st.text(st.sampled_from("ab,'=\"\r \t\x00\x1bé"), max_size=12)
VALUES = st.one_of(
    st.none(), st.booleans(), st.floats(), st.text(max_size=6), st.lists(st.text(max_size=2), max_size=2)
)
RECORDS = st.dictionaries(st.one_of(st.text(max_size=3), st.just("n" * 201)), VALUES, max_size=4)


def cells(text: str) -> list[str] | str:
    """The cells of a line, or why it has none."""
    try:
        return csvfiles._cells(text, "line 1")
    except Unreadable as error:
        return error.reason


def refusal(fields: Mapping[str, object]) -> str | None:
    """Why a record is refused."""
    try:
        raw.check_fields(fields, Limits(field_chars=4))
    except BadField as error:
        return f"{error.field}: {error.reason}"
    return None


@given(LINES)
def test_cells(text: str) -> None:
    short = cells(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvfiles, "_NOT_PLAIN", re.compile(""))
        assert cells(text) == short


@given(RECORDS)
def test_checks(fields: dict[str, object]) -> None:
    short = refusal(fields)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw, "_is_plain", lambda *_: False)
        assert refusal(fields) == short


def votes(rows: int, last: str = "tie") -> io.BytesIO:
    """A CSV file of votes of which the last has this winner."""
    lines = ["question_id,model_a,model_b,winner,judge", *(f"q{n % 9},a,b,model_a,r{n % 7}" for n in range(rows))]
    return io.BytesIO("\n".join([*lines, f"q,a,b,{last},r"]).encode())


def peak(rows: int) -> int:
    """The most bytes that counting a file's votes takes."""
    with read_records(votes(rows), name="v.csv", file_format="csv") as records:
        tracemalloc.start()
        found = counted.of_votes(records, "human")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert len(found) == rows + 1
    return most


def test_memory_follows_the_numbers_that_votes_are_kept_as_and_not_their_records() -> None:
    """A record of a vote takes some 1,000 bytes, its columns 18, and twice that while they are put together."""
    assert (peak(6_000) - peak(1_000)) / 5_000 < 120


def test_a_file_with_a_fault_at_its_end_gives_no_votes_in_the_end() -> None:
    with read_records(votes(3, "A"), name="v.csv", file_format="csv") as records:
        found = each_vote(records, name="v.csv", digest=records.digest)
        assert [next(found).record.rater for _ in range(3)] == ["r0", "r1", "r2"]
        with pytest.raises(BadRecords, match="line 5, winner"):
            next(found)
