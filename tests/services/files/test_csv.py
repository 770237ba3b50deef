"""CSV is read by RFC 4180 and no guessing; a record is named by the line on which it starts."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.services.files import RawRecord
from tests.services.files.helping import SMALL, complaint, entries, questions

HEAD = b"id,text,note\n"
GOOD = b'q1,"two\nlines",\n'  # lines 2 and 3

FAULTS = {
    "too many fields": (b"q2,a,b,c\n", "line 4: has 4 fields where the header names 3"),
    "too few fields": (b"q2,a\n", "line 4: has 2 fields where the header names 3"),
    "unclosed quote": (b'q2,"a,b\nq3,c,d\n', "line 4: field 2 opens a quotation mark that is never closed"),
    "quote inside": (b'q2,5" needle,b\n', "line 4: field 2 holds a quotation mark and is not quoted"),
    "text after a quote": (b'q2,"a" b,c\n', "line 4: field 2 has text after its closing quotation mark"),
    "lone carriage return": (b"q2,a\rb,c\n", "line 4: field 2 holds a carriage return alone"),
    "NUL": (b"q2,a\0,c\n", "line 4, text: holds a NUL character"),
    "control": (b"q2,a,\x1b[0m\n", "line 4, note: holds the control character U+001B"),
    "Latin-1": (b"q2,na\xefve,c\n", "line 4: byte 6 of the line (0xEF) is not UTF-8"),
    "Latin-1 on a later line": (b'q2,"a\nna\xefve",c\n', "line 5: byte 3 of the line (0xEF) is not UTF-8"),
    "long field": (b"q2," + b"a" * 2001 + b",c\n", "line 4, text: has 2,001 characters"),
    "long record": (b'q2,"' + b"a\n" * 6000 + b'",c\n', "line 4: is longer than 10,000 bytes"),
    "empty required": (b"q2,,c\n", "line 4, text: is missing or empty"),
    "doubled id": (b"q1,a,c\n", "line 4, id: 'q1' stands in line 2 already"),
}


@pytest.mark.parametrize(("record", "message"), FAULTS.values(), ids=FAULTS)
def test_the_bad_record_is_named(record: bytes, message: str) -> None:
    assert complaint(HEAD + GOOD + record, "csv", SMALL).startswith(f"f, {message}")


HEADERS = {
    "empty name": (b"id,,text\n", "f, line 1: column 2 has no name in the header"),
    "doubled name": (b"id,text,id\n", "f, line 1, id: stands twice in the header"),
    "semicolons": (b"id;text\n", "f, line 1: the columns must be separated by commas"),
    "tabs": (b"id\ttext\n", "f, line 1: the columns must be separated by commas"),
    "header only": (b"id,text\n", "f: holds no records"),
    "blank first": (b"\n\nid,id\n", "f, line 3, id: stands twice in the header"),
    "UTF-16": ("id,text\n".encode("utf-16"), "f, line 1: byte 1 begins a UTF-16 file; save it as UTF-8"),
    "UTF-16 without mark": ("id,text\n".encode("utf-16-le"), "f, line 1, 'i\\x00d\\x00': in the header: holds a NUL"),
    "gzip": (b"\x1f\x8b\x08\x00", "f, line 1: is compressed with gzip; give it an ending such as .jsonl.gz"),
    "Parquet": (b"PAR1\x15\x04", "f, line 1: is a Parquet file; give it the ending .parquet"),
    "missing column": (b"id,note\nq,a\n", "f, line 2, text: is missing or empty"),
}


@pytest.mark.parametrize(("data", "message"), HEADERS.values(), ids=HEADERS)
def test_the_header_is_checked(data: bytes, message: str) -> None:
    assert complaint(data, "csv", SMALL).startswith(message)


def test_empty_cells_are_null_and_blank_lines_nothing() -> None:
    assert entries(b'\xef\xbb\xbfa,b\r\n\r\n1,\r\n"",x\r\n', "csv") == [
        RawRecord("line 3", {"a": "1", "b": None}),
        RawRecord("line 4", {"a": None, "b": "x"}),
    ]


def test_the_apostrophe_against_formulas_is_taken_away() -> None:
    data = b"id,text\n1,'=1+1\n2,'tis\n3,''-x\n"
    assert [q.record.text for q in questions(data, "csv")] == ["=1+1", "'tis", "'-x"]


def test_lists_are_json_text() -> None:
    data = b'id,text,must_have\n1,a,"[""one"",""two""]"\n2,b,\n'
    assert [q.record.must_have for q in questions(data, "csv")] == [("one", "two"), ()]


@pytest.mark.parametrize("cell", ['"one"', "one", "[1]", '"[""a"",null]"', '"{""a"":1}"', "[[[[]]]]"])
def test_a_list_that_is_none(cell: str) -> None:
    told = complaint(f"id,text,must_have\n1,a,{cell}\n".encode(), "csv")
    assert told.startswith("f, line 2, must_have: must be a list of texts")


def test_nul_hidden_in_a_list() -> None:
    data = b'id,text,must_have\n1,a,"[""\\u0000""]"\n'
    assert complaint(data, "csv") == "f, line 2, must_have: holds a NUL character; remove it"


CELLS = st.text(alphabet=st.sampled_from('a,"\n\r é€😀'), max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5), st.sampled_from(["\n", "\r\n"]))
def test_what_pythons_csv_writes_is_read_alike(rows: list[tuple[str, str]], line_end: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([("x", "y"), *rows])
    read = [entry.fields for entry in entries(text.getvalue().encode(), "csv") if isinstance(entry, RawRecord)]
    assert read == [{"x": x or None, "y": y or None} for x, y in rows]
