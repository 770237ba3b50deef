from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from arena.domain.text import csv_restore, display_width, printable
from arena.ratings import Interval
from arena.reports import tables, text
from tests.reports.boards import HOSTILE, board_of, small_board


class Reader(HTMLParser):
    """The tags of a page, and the text of each table cell."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def rendered(markdown: str) -> Reader:
    reader = Reader()
    reader.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))
    return reader


def test_csv_has_the_contracts_columns_and_the_numbers_as_they_are() -> None:
    board = small_board()
    text = tables.board_csv(board)
    assert text.splitlines()[0] == (
        "rank,rank_low,rank_high,model,rating,low,high,flag,component,votes,wins,losses,ties,both_bad,win_rate"
        ",rank_set_low,rank_set_high,tier,first"
    )
    records = list(csv.DictReader(io.StringIO(text)))
    assert [record["model"] for record in records] == [row.model for row in board.rows]
    for record, row in zip(records, board.rows, strict=True):
        assert record["rating"] == ("" if row.rating is None else repr(row.rating))
        assert record["win_rate"] == ("" if row.win_rate is None else repr(row.win_rate))
        assert int(record["votes"]) == row.votes
    assert records[-1]["rank"] == records[-1]["low"] == ""
    assert records[-1]["flag"] == "unrated"


def test_no_csv_cell_acts_as_a_formula_and_every_name_can_be_read_back() -> None:
    board = board_of(HOSTILE)
    records = list(csv.DictReader(io.StringIO(tables.board_csv(board), newline="")))
    assert not [record["model"] for record in records if record["model"][0] in "=+-@\t\r"]
    assert [csv_restore(record["model"]) for record in records] == [row.model for row in board.rows]


def test_a_negative_rating_stays_a_number_in_csv() -> None:
    board = board_of(["x", "y"], anchor=("x", -500.0))
    assert "x,-500.0," in tables.board_csv(board)


def test_json_is_the_contract_as_written() -> None:
    board = board_of(["Médecin", "y"])
    text = tables.board_json(board)
    assert json.loads(text) == board.to_dict()
    assert list(json.loads(text)) == list(board.to_dict())
    assert "Médecin" in text
    assert text.startswith('{\n  "study": null,')
    assert text.endswith("}\n")
    assert text == tables.board_json(board_of(["Médecin", "y"]))


def test_text_has_one_aligned_line_for_each_contender() -> None:
    board = small_board()
    lines = tables.board_text(board).splitlines()
    assert lines[0].split("  ")[0] == "Rank"
    assert "95% interval" in lines[0]
    for line, row in zip(lines[2:], board.rows, strict=False):
        assert row.model in line
        if row.rating is not None:
            assert f"{row.rating:.0f}" in line
            assert f"{row.low:.0f} to {row.high:.0f}" in line
            assert f"{row.rank_low}–{row.rank_high}" in line or row.rank_low == row.rank_high
            numbers = line.split()[-6:]
            assert numbers[:5] == [str(n) for n in (row.votes, row.wins, row.losses, row.ties, row.both_bad)]
    assert lines[5].split()[-1] == "unrated"
    ends = {lines[i].index(" to ") for i in (2, 3, 4)}
    assert len(ends) == 1


def test_text_says_how_and_from_what_and_that_it_is_not_for_clinical_use() -> None:
    text = tables.board_text(small_board())
    assert "Bradley-Terry ratings on the Elo scale" in text
    assert "95% intervals from 100 bootstrap rounds by vote, for exactly these questions, seed 0; 18 votes." in text
    assert "Ledger position 18, head " + "ab" * 32 in text
    assert "Not for clinical use." in text
    assert "Not for clinical use" in tables.board_markdown(small_board())


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (Interval("bootstrap", "question", 1000, 0.95, 0), "1,000 bootstrap rounds by question"),
        (Interval("bootstrap", "vote", 1, 0.95, 0), "1 bootstrap round by vote"),
        (
            Interval("bootstrap", "question+rater", 1000, 0.95, 0),
            "the variances of 1,000 bootstrap rounds by question and rater",
        ),
        (Interval("sandwich", "question+rater", 1000, 0.95, 0), "a sandwich variance by question and rater"),
    ],
)
def test_it_is_said_what_intervals_come_from(interval: Interval, words: str) -> None:
    assert tables.interval_words(interval) == words


def test_many_votes_are_written_with_separators() -> None:
    assert tables.method_line(replace(small_board(), votes=1234567)).endswith("; 1,234,567 votes.")
    assert tables.method_line(replace(small_board(), votes=1)).endswith("; 1 vote.")


def test_text_is_neither_cut_nor_wrapped_and_wide_letters_stay_aligned() -> None:
    names = ["模型" * 10, "m" * 200, "e\u0301" * 5]
    lines = tables.board_text(board_of(names)).splitlines()
    assert any("m" * 200 in line for line in lines)
    starts = {display_width(line[: line.index(" to ")]) for line in lines[2:5]}
    assert len(starts) == 1


def test_nothing_hidden_reaches_the_terminal() -> None:
    for shown in (
        tables.board_text(board_of(HOSTILE)),
        tables.grouped_text("cat\x1b", board_of(HOSTILE), {"\x1b[2J": board_of(HOSTILE), "\u202e": "bad \x1b]0;x\x07"}),
    ):
        assert not [c for c in shown if c != "\n" and not c.isprintable()]
        assert "\\x1b[31mred\\x9b0m" in shown
    assert len(tables.board_text(board_of(HOSTILE)).splitlines()[2:]) >= len(HOSTILE)


def test_hostile_names_stay_text_in_markdown() -> None:
    board = board_of(HOSTILE)
    page = rendered(tables.board_markdown(board))
    assert set(page.tags) == {"table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    columns = 15
    assert len(page.cells) == columns * (len(HOSTILE) + 1)
    names = [cell.strip() for cell in page.cells[columns + 2 :: columns]]
    assert names == [printable(row.model) for row in board.rows]


def test_unescaped_the_same_names_do_break_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above."""
    monkeypatch.setattr(text, "markdown_text", lambda text: text)
    page = rendered(tables.board_markdown(board_of(HOSTILE)))
    assert {"script", "img", "strong"} <= set(page.tags)


@pytest.mark.parametrize("name", ["www.evil.example", "http://evil.example", "a:smile:b", "WWW.Evil.example"])
def test_what_github_would_link_is_broken_up(name: str) -> None:
    shown = text.markdown_text(name)
    assert "www." not in shown.lower()
    assert "://" not in shown
    assert ":smile:" not in shown


def test_groups_as_json() -> None:
    overall, cardiology = small_board(), board_of(["x", "y"])
    found = json.loads(tables.grouped_json("category", overall, {"cardiology": cardiology, "empty": "no votes"}))
    assert {key: found[key] for key in overall.to_dict()} == overall.to_dict()
    assert found["by"] == {
        "field": "category",
        "groups": [{"value": "cardiology", **cardiology.to_dict()}, {"value": "empty", "error": "no votes"}],
    }


def test_groups_as_csv() -> None:
    text = tables.grouped_csv("category", small_board(), {"=cardiology": board_of(["x", "y"]), "empty": "no votes"})
    records = list(csv.DictReader(io.StringIO(text)))
    assert next(iter(records[0])) == "category"
    assert [(r["category"], r["model"]) for r in records] == [
        *(("", row.model) for row in small_board().rows),
        ("'=cardiology", "x"),
        ("'=cardiology", "y"),
    ]


@pytest.mark.parametrize("form", [tables.grouped_text, tables.grouped_markdown])
def test_groups_as_sections(form: object) -> None:
    assert callable(form)
    text = form("category", small_board(), {"cardiology": board_of(["x", "y"]), "empty": "no votes between groups"})
    assert text.index("All") < text.index("category: cardiology") < text.index("category: empty")
    assert "No ratings: no votes between groups" in text
