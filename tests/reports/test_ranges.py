from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from arena.domain.text import printable
from arena.ratings.fragility.result import LeaveOneOut, Range
from arena.reports.ranges import ranges_plot
from tests.reports.boards import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"


def ranged(model: str, rating: float, low: float | None, high: float | None, ranks: tuple[int, int] = (1, 1)) -> Range:
    """One contender's range; not rated without any one where there is no `low`."""
    best, worst = ranks if low is not None else (None, None)
    return Range(model, rating, ranks[0], low, high, "rater-hidden", "rater-hidden", best, worst, 0, 0)


def both() -> list[LeaveOneOut]:
    raters = (ranged("x", 1100.0, 1080.0, 1110.0), ranged("y", 900.0, 890.0, 920.0, (2, 2)))
    questions = (ranged("x", 1100.0, 1040.0, 1150.0, (1, 2)), ranged("y", 900.0, 850.0, 960.0, (1, 2)))
    return [LeaveOneOut("rater", 9, 9, raters), LeaveOneOut("question", 20, 20, questions)]


def test_dots_and_ranges_stand_where_the_axis_says() -> None:
    found = both()
    root = ElementTree.fromstring(ranges_plot(found))
    labels = [text for text in root.iter(f"{SVG}text") if re.fullmatch(r"\d+", text.text or "")]
    (first, left), *_, (last, right) = sorted((float(t.text or ""), float(t.attrib["x"])) for t in labels)
    groups = list(root.iter(f"{SVG}g"))
    assert len(groups) == 2
    for at, group in enumerate(groups):
        drawn = [re.match(r"M([\d.]+) [\d.]+H([\d.]+)$", path.attrib["d"]) for path in group.iter(f"{SVG}path")]
        places = [float(end) for line in drawn if line for end in line.groups()]
        dot = group.find(f"{SVG}circle")
        assert dot is not None
        values = [first + (x - left) / (right - left) * (last - first) for x in (*places, float(dot.attrib["cx"]))]
        raters, questions = (one.rows[at] for one in found)
        expected = [raters.low, raters.high, questions.low, questions.high, raters.rating]
        assert values == pytest.approx(expected, abs=0.5)


def test_lines_are_told_apart_without_colour_and_said_in_words() -> None:
    root = ElementTree.fromstring(ranges_plot(both()))
    group = next(root.iter(f"{SVG}g"))
    dashes = [path.attrib.get("stroke-dasharray") for path in group.iter(f"{SVG}path") if "H" in path.attrib["d"]]
    assert dashes == [None, "3 3"]
    assert group.findtext(f"{SVG}title") == (
        "x without any one rater: 1080 to 1110, rank 1; x without any one question: 1040 to 1150, rank 1–2"
    )
    described = root.findtext(f"{SVG}desc") or ""
    assert "y without any one rater: 890 to 920, rank 2" in described
    assert described.endswith("Not for clinical use.")
    assert [text.text for text in group.iter(f"{SVG}text")] == ["x", "1100 · rank 1–2"]


def test_nobody_whose_absence_takes_a_rating_there_is_named() -> None:
    assert "rater-hidden" not in ranges_plot(both())


def test_a_contender_that_is_never_rated_without_one_has_its_dot_only() -> None:
    row = ranged("x", 1000.0, None, None)
    root = ElementTree.fromstring(ranges_plot([LeaveOneOut("rater", 2, 2, (row,))]))
    [group] = root.iter(f"{SVG}g")
    assert group.find(f"{SVG}path") is None
    assert group.findtext(f"{SVG}title") == "x without any one rater: not rated"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name: str) -> None:
    rows = (ranged(name, 1000.0, 990.0, 1010.0),)
    root = ElementTree.fromstring(ranges_plot([LeaveOneOut("rater", 3, 3, rows)]))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        *("svg", "title", "desc", "text", "path", "g", "circle"),
    }
    assert not [key for element in root.iter() for key in element.attrib if key.startswith("on") or key == "style"]
    assert (root.find(f".//{SVG}g/{SVG}title").text or "").startswith(printable(name))  # type: ignore[union-attr]
