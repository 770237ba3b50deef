"""Every template with invented data: the rules that a page must keep."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from arena import assets
from arena.domain.ledger import Head
from arena.domain.views import Overview, SourceCount
from arena.domain.vocabulary import Role
from arena.ratings import Board
from arena.web.desk import counts
from arena.web.pages import Pages, load_pages, sentence
from arena.web.public import PageQuery, board_view
from tests.web.reading import Page
from tests.web.views import HASH, VIEWS, ballot, board, study

SMALL = 40_000


@pytest.fixture(scope="module")
def pages() -> Pages:
    return load_pages(assets.path("templates"), session_hours=14 * 24)


def shown(pages: Pages, template: str, view: dict[str, Any]) -> str:
    return bytes(pages(template, **view).body).decode()


@pytest.fixture(params=VIEWS)
def body(request: pytest.FixtureRequest, pages: Pages) -> str:
    template, view = VIEWS[request.param]
    return shown(pages, template, view)


def test_pages_are_well_formed_and_quiet(body: str) -> None:
    page = Page(body)
    assert not page.misnested
    assert not page.open
    assert "style" not in page.tags
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    assert all(script.get("src") for script in page.all("script"))


def test_nothing_is_fetched_from_elsewhere(body: str) -> None:
    for _, attributes in Page(body).elements:
        for name in ("src", "href", "action"):
            assert attributes.get(name, "/").startswith(("/", "#"))
            assert not attributes.get(name, "/").startswith("//")


def test_a_page_can_be_found_ones_way_in(body: str) -> None:
    page = Page(body)
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == 1
    assert "Not for clinical use" in page.text
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert page.all("a")[0]["href"] == "#main"
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(lower - upper <= 1 for upper, lower in pairwise(levels))
    for _, attributes in page.elements:
        for name in ("for", "aria-labelledby", "aria-describedby"):
            assert set(attributes.get(name, "main").split()) <= set(ids)


def test_every_field_has_a_label(body: str) -> None:
    page = Page(body)
    labelled = {label["for"] for label in page.all("label") if "for" in label}
    fields = [*page.all("select"), *page.all("textarea")]
    fields += [field for field in page.all("input") if field["type"] not in ("hidden", "radio")]
    assert {field["id"] for field in fields} <= labelled
    radios = [field for field in page.all("input") if field["type"] == "radio"]
    assert len(radios) == sum(label.get("class", "").startswith("choice") for label in page.all("label"))


def test_no_reply_is_preselected(pages: Pages) -> None:
    page = Page(shown(pages, "vote.html", ballot()))
    radios = [field for field in page.all("input") if field["type"] == "radio"]
    assert [radio["value"] for radio in radios] == [
        "a_much_better",
        "a_better",
        "tie_good",
        "tie_bad",
        "b_better",
        "b_much_better",
        "cannot_judge",
    ]
    assert not [radio for radio in radios if "checked" in radio]
    assert not [option for option in page.all("option") if "selected" in option]


def test_a_plan_without_some_choices_offers_the_others_only(pages: Pages) -> None:
    page = Page(shown(pages, *VIEWS["vote-five-choices"]))
    values = [field["value"] for field in page.all("input") if field["type"] == "radio"]
    assert values == ["a_better", "tie_good", "tie_bad", "b_better"]


def test_both_answers_are_set_alike(pages: Pages) -> None:
    """The same text on both sides gives the same bytes, but for the letter of the side."""
    html = shown(pages, *VIEWS["vote-twins"])
    first, second = re.findall(r'<section class="answer".*?</section>', html, re.DOTALL)
    assert first.replace("answer-A", "answer-B").replace("Answer A", "Answer B") == second


def test_question_and_answers_say_their_language(pages: Pages) -> None:
    """And the page itself stays English."""
    page = Page(shown(pages, *VIEWS["vote-arabic"]))
    read = [box for box in page.all("div") if "reading" in box.get("class", "").split()]
    assert [(box["dir"], box["lang"]) for box in read] == [("auto", "ar")] * 3
    odd = ballot(matchup=replace(VIEWS["vote-arabic"][1]["matchup"], language="Arabic (Egypt)"))
    assert 'lang="Arabic' not in shown(pages, "vote.html", odd)


def test_what_was_typed_comes_back_with_the_refusal(pages: Pages) -> None:
    html = shown(pages, *VIEWS["vote-refused"])
    assert "two\nlines</textarea>" in html
    assert "Say why you cannot judge this pair." in Page(html).text
    checked = [field["value"] for field in Page(html).all("input") if "checked" in field]
    assert checked == ["cannot_judge"]


def test_a_refusal_is_said_at_the_top_too_and_leads_to_the_choices(pages: Pages) -> None:
    """On a phone without scripts the choices are far below."""
    html = shown(pages, *VIEWS["vote-refused"])
    top = html[html.index("<main") : html.index('id="question"')]
    assert "Say why you cannot judge this pair." in top
    assert [part["role"] for part in Page(top).all("p") if "role" in part] == ["alert", "status"]
    assert [link["href"] for link in Page(top).all("a")] == ["#ballot"]


def test_a_board_by_category_begins_with_its_controls_and_an_index(pages: Pages) -> None:
    html = shown(pages, *VIEWS["leaderboard-grouped"])
    page = Page(html)
    assert [link["href"] for link in page.all("a") if link["href"].startswith("#g")] == [
        f"#group-{number}" for number in (1, 2, 3)
    ]
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert {"group-1", "group-2", "group-3"} <= ids
    assert html.index('class="settings"') < html.index('href="#group-1"')
    assert html.index('href="#group-3"') < html.index('class="ratings"') < html.index('id="group-1"')


def test_a_group_of_few_votes_has_no_chart_and_what_groups_share_is_said_once(pages: Pages) -> None:
    html = shown(pages, *VIEWS["leaderboard-grouped"])
    starts = [html.index(f'id="group-{number}"') for number in (1, 2, 3)]
    above, cardiology, neurology = html[: starts[0]], html[starts[0] : starts[1]], html[starts[1] : starts[2]]
    assert ("<figure" in cardiology, "<figure" in neurology) == (True, False)
    assert "Few. (Cardiology, Neurology)" in Page(above).text
    assert html.count("Few.") == 1
    assert "Only of neurology." in neurology
    assert html.count("Only of neurology.") == 1


def test_warnings_that_differ_in_their_number_only_are_one_sentence() -> None:
    """A contender's own number is part of its name."""
    made = board()
    texts = {
        "A": ("Only 3 questions were resampled.", "7 of the 7 votes are simulated.", "no point to gpt 3 ever"),
        "B": ("Only 5 questions were resampled.", "9 of the 9 votes are simulated.", "no point to gpt 4 ever"),
        "C": ("Only 4 questions were resampled.", "2 of the 6 votes are simulated."),
    }
    overall = replace(made, warnings=("22 of the 22 votes are simulated.", "Only 9 questions were resampled."))
    groups: dict[str, Board | str] = {value: replace(made, warnings=own) for value, own in texts.items()}
    view = board_view(study(), PageQuery(by="category"), overall, groups)
    assert view["repeated"] == [("Only 3 to 5 questions were resampled.", ["A", "B", "C"])]
    assert [group["warnings"] for group in view["groups"]] == [
        ["no point to gpt 3 ever"],
        ["no point to gpt 4 ever"],
        ["2 of the 6 votes are simulated."],
    ]


@pytest.mark.parametrize("name", ["leaderboard", "leaderboard-grouped", "leaderboard-empty"])
def test_the_published_table_is_folded_away_and_marked(pages: Pages, name: str) -> None:
    html = shown(pages, *VIEWS[name])
    [folded] = re.findall(r"<details.*?</details>", html, re.DOTALL)
    assert "open" not in Page(folded).all("details")[0]
    summary = folded[: folded.index("</summary>")]
    assert Page(summary).text.split("\n")[1].strip() == (
        "Published reference: Clinical Elo (Med42-v2 model card) published"
    )
    assert "<table" in folded


def test_no_page_speaks_of_commands_but_an_admins_desk(body: str) -> None:
    assert not re.search(r"\barena [a-z]+|(?<!\S)--[a-z]", Page(body).text)


def test_an_admins_desk_says_how_to_bring_answers(pages: Pages) -> None:
    template, view = VIEWS["desk-empty"]
    admin = replace(view["seat"], role=Role.ADMIN)
    assert "arena import answers" in Page(shown(pages, template, view | {"seat": admin})).text


def test_a_message_made_for_a_command_is_a_sentence_on_a_page() -> None:
    assert sentence("--at 99: the ledger has 3 positions; leave out --at") == (
        "At 99: the ledger has 3 positions; leave out at."
    )
    assert sentence("A--b -- c.") == "A--b -- c."


def test_the_desk_says_what_it_counts() -> None:
    sources = [SourceCount("human", 12, 3, 0), SourceCount("judge:j1", 5, 0, 5)]
    made = Overview(study(), 4, 3, 12, 0, 12, 36, 12, 6, tuple(sources), Head(0, ""))
    assert counts(made)[4:] == [
        ("raters who voted", 6),
        ("votes by people", 12),
        ("of these, people could not judge", 3),
        ("votes by judge j1", 5),
        ("of these, simulated (judge j1)", 5),
    ]


def test_the_receipt_gives_number_and_whole_hash(pages: Pages) -> None:
    text = Page(shown(pages, "vote.html", ballot())).text
    assert "ledger entry 42" in text
    assert HASH in text


def test_names_are_escaped_and_shown_without_hidden_characters(pages: Pages) -> None:
    template, view = VIEWS["error"]
    html = shown(pages, template, view | {"message": "<b>\u202egpt\u0007</b>"})
    assert "&lt;b&gt;gpt&lt;/b&gt;" in html


def test_stylesheet_and_script_are_small_and_named_by_their_digest(pages: Pages) -> None:
    loads = {file.media_type: file for file in pages.static.values()}
    assert len(loads["text/css; charset=utf-8"].body) + len(loads["text/javascript; charset=utf-8"].body) < SMALL
    for name, file in pages.static.items():
        assert re.fullmatch(r"[a-z]+\.[0-9a-f]{16}\.(css|js|svg)", name)
        assert file.url == f"/static/{name}"


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_enough_contrast(scheme: str) -> None:
    css = (assets.path("templates") / "static" / "arena.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", blocks[scheme == "dark"]))
    for ground in ("paper", "sheet", "wash"):
        for text in ("ink", "soft", "accent"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        assert contrast(colours["edge"], colours[ground]) >= 3, ground
    assert contrast(colours["accent-ink"], colours["accent"]) >= 4.5
