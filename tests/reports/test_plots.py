from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from arena.domain.text import printable
from arena.ratings import Board, rate
from arena.reports.drawing import PALETTE
from arena.reports.plots import interval_plot
from tests.reports.boards import HOSTILE, board_of, small_board

SVG = "{http://www.w3.org/2000/svg}"


def parsed(board: Board, *, title: str | None = None, standalone: bool = False) -> ElementTree.Element:
    return ElementTree.fromstring(interval_plot(board, title=title, standalone=standalone))


def groups(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    """The drawn contenders by the name in their title."""
    return {(group.findtext(f"{SVG}title") or "").rsplit(": ", 1)[0]: group for group in root.iter(f"{SVG}g")}


def colours(root: ElementTree.Element) -> dict[str, str]:
    dots = {name: group.find(f"{SVG}circle") for name, group in groups(root).items()}
    return {name: dot.attrib["fill"] for name, dot in dots.items() if dot is not None}


def test_dots_and_intervals_stand_where_the_axis_says() -> None:
    board = small_board()
    root = parsed(board)
    labels = [text for text in root.iter(f"{SVG}text") if re.fullmatch(r"-?\d+", text.text or "")]
    places = {float(text.text or ""): float(text.attrib["x"]) for text in labels}
    assert len(places) >= 3
    (first, left), *_, (last, right) = sorted(places.items())

    def value(x: float) -> float:
        return first + (x - left) / (right - left) * (last - first)

    for row in board.rows[:3]:
        group = groups(root)[row.model]
        dot, line = group.find(f"{SVG}circle"), group.find(f"{SVG}path")
        assert dot is not None
        assert line is not None
        ends = re.match(r"M([\d.]+) [\d.]+H([\d.]+)", line.attrib["d"])
        assert ends is not None
        drawn = [value(float(dot.attrib["cx"])), value(float(ends[1])), value(float(ends[2]))]
        assert drawn == pytest.approx([row.rating, row.low, row.high], abs=0.1)


def test_best_first_with_number_and_rank_range_and_the_unrated_last() -> None:
    board = small_board()
    root = parsed(board)
    assert list(groups(root)) == [row.model for row in board.rows]
    heights = [float(group.findall(f"{SVG}text")[0].attrib["y"]) for group in groups(root).values()]
    assert heights == sorted(heights)
    for row in board.rows[:3]:
        right = groups(root)[row.model].findall(f"{SVG}text")[1].text
        assert right == f"{row.rating:.0f} · rank {row.rank_low}–{row.rank_high}"
    unrated = groups(root)["never voted on"]
    assert unrated.find(f"{SVG}circle") is None
    assert unrated.findall(f"{SVG}text")[1].text == "not rated"
    assert "rating (Elo points)" in interval_plot(board)
    assert "Not for clinical use." in interval_plot(board)


def test_it_says_in_words_what_it_shows() -> None:
    root = parsed(small_board(), title="K-QA, all questions")
    assert root.attrib["role"] == "img"
    first, second = list(root)[:2]
    assert (first.tag, first.text) == (f"{SVG}title", "K-QA, all questions")
    assert root.attrib["aria-labelledby"].split() == [first.attrib["id"], second.attrib["id"]]
    row = small_board().rows[0]
    assert f"{row.model}: {row.rating:.0f} ({row.low:.0f} to {row.high:.0f})" in (second.text or "")


@pytest.mark.parametrize("standalone", [False, True])
def test_hostile_names_stay_text_and_nothing_is_styled_or_scripted(standalone: bool) -> None:
    board = board_of([*HOSTILE, "m" * 200], contenders=["<b onload=x>unrated"])
    root = parsed(board, title="</title><script>", standalone=standalone)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "text", "path", "circle", "g", "rect"}
    for element in root.iter():
        assert not [name for name in element.attrib if name == "style" or name.startswith("on") or "href" in name]
    assert set(groups(root)) == {printable(row.model) for row in board.rows}
    assert not [c for c in interval_plot(board) if c != "\n" and not c.isprintable()]


def test_a_long_name_is_cut_on_the_plot_and_whole_in_its_title() -> None:
    root = parsed(board_of(["m" * 200, "模型" * 40]))
    for name, group in groups(root).items():
        label = group.findall(f"{SVG}text")[0].text or ""
        assert label.endswith("…")
        assert name.startswith(label[:-1])
        assert len(label) <= 34
        assert len(name) in (200, 80)


def test_a_contender_keeps_its_colour_when_the_ranking_changes() -> None:
    names = ["a", "b", "c", "d"]
    one, other = board_of(names), board_of(names[::-1])
    turned = rate({"model_a": ["d", "c", "b"], "model_b": ["a", "a", "a"], "winner": ["model_a"] * 3}, rounds=5)
    assert [row.model for row in turned.rows] != [row.model for row in one.rows]
    assert colours(parsed(one)) == colours(parsed(other)) == colours(parsed(turned))
    assert len(set(colours(parsed(one)).values())) == 4


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("colour", PALETTE)
@pytest.mark.parametrize("background", ["#ffffff", "#14181d"])
def test_every_colour_stands_out_on_light_and_dark(colour: str, background: str) -> None:
    lighter, darker = sorted((luminance(colour), luminance(background)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 3


def test_degenerate_boards_are_drawn() -> None:
    ties = rate({"model_a": ["x"], "model_b": ["y"], "winner": ["tie"]}, rounds=5)
    assert len(groups(parsed(ties))) == 2
    one_sided = rate({"model_a": ["x"], "model_b": ["y"], "winner": ["model_a"]}, rounds=5)
    assert "x (undefeated)" in interval_plot(one_sided)
    islands = rate({"model_a": ["x", "v"], "model_b": ["y", "w"], "winner": ["tie"] * 2}, method="elo", rounds=5)
    assert "rank" not in "".join(parsed(islands).itertext())


def test_a_file_has_its_own_background_and_no_colour_of_a_page() -> None:
    assert 'fill="#ffffff"' in interval_plot(small_board(), standalone=True)
    assert "currentColor" not in interval_plot(small_board(), standalone=True)
    assert "currentColor" in interval_plot(small_board())
    assert interval_plot(small_board()) == interval_plot(small_board())
