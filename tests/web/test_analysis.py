"""The page of analyses: what stands on it, for whom, and what it costs."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from io import BytesIO
from itertools import combinations

import pytest
from numpy.linalg import LinAlgError

from arena import assets
from arena.domain.plan import Plan
from arena.domain.vocabulary import HUMAN, Role
from arena.errors import Incomplete
from arena.ratings import rate
from arena.ratings.fragility.analysis import fragility
from arena.services import counted, imports, studies
from arena.services import fragility as of_fragility
from arena.services import raters as of_raters
from arena.services.files import Limits, read_records
from arena.web import analysis
from tests.conftest import MakeDatabase
from tests.web.conftest import CONTENDERS, Arena, arena_on, cast, load
from tests.web.hostile import HOSTILE
from tests.web.reading import Page

PAGE = "/analysis?study=small"
CHOICES = ("a_better", "b_better", "a_much_better", "tie_good", "a_better", "b_much_better", "tie_bad")


def told(html: str) -> str:
    """The words of the page's main part, and of nothing drawn."""
    main = html[html.index("<main") : html.index("</main>")]
    return " ".join(Page(re.sub(r"<svg.*?</svg>", "", main, flags=re.DOTALL)).text.split())


def publish(arena: Arena) -> None:
    studies.close(arena.db, "small", now=arena.clock())
    studies.publish(arena.db, "small", now=arena.clock())


def judged(arena: Arena, source: str, *, winner: str = "model_a", questions: int = 3) -> None:
    """Votes of a judge on every pair of the first questions."""
    pairs = [(a, b) for a in CONTENDERS for b in CONTENDERS if a < b]
    votes = [
        {"id": f"{source}{q}{a}{b}", "question_id": f"q{q}", "model_a": a, "model_b": b, "winner": winner, "judge": "j"}
        for q in range(questions)
        for a, b in pairs
    ]
    lines = "".join(f"{json.dumps(vote)}\n" for vote in votes).encode()
    records = read_records(BytesIO(lines), name="votes", file_format="jsonl", limits=Limits())
    imports.import_votes(arena.db, "small", records, source=source, now=arena.clock())


@pytest.fixture
def voted(make_db: MakeDatabase) -> Arena:
    """An open study of three raters, who each judged all nine pairings."""
    arena = arena_on(make_db("sqlite"))
    arena.study(plan=Plan(raters_per_pairing=3))
    for start in range(3):
        rater = arena.rater()
        for number in range(9):
            cast(rater, CHOICES[(start + number) % len(CHOICES)])
    return arena


def test_taking_out_the_votes_that_it_counts_puts_the_contender_that_it_names_first(voted: Arena) -> None:
    """Rated anew without them."""
    publish(voted)
    columns = counted.of_study(voted.db, studies.get(voted.db, "small"), HUMAN).columns()
    names = ("model_a", "model_b", "winner")
    votes = list(zip(*(columns[name] for name in names), strict=True))
    first = fragility(columns).first
    removed = first.change("vote", "remove")
    assert removed
    for moved in removed.votes:
        a, b = moved.model_a, moved.model_b
        alike = {"model_a": {(a, b, "model_a"), (b, a, "model_b")}}.get(
            moved.winner, {(*pair, tie) for pair in ((a, b), (b, a)) for tie in ("tie", "both_bad")}
        )
        for vote in [vote for vote in votes if vote in alike][: moved.number]:
            votes.remove(vote)
    assert len(votes) == 27 - (removed.number or 0)
    after = rate(dict(zip(names, zip(*votes, strict=True), strict=True)), rounds=10).rows[0].model
    text = told(voted.browser().get(PAGE).text)
    share = f"{100 * (removed.number or 0) / 27:.2g}%"
    told_of = "vote" if removed.number == 1 else "votes"
    assert f"Leaving out {removed.number} {told_of} of 27 ({share}) is enough to put {after} first" in text
    assert f"instead of {first.higher}." in text


def test_agreement_is_what_a_count_by_hand_gives(voted: Arena) -> None:
    columns = counted.of_study(voted.db, studies.get(voted.db, "small"), HUMAN).columns()
    said: dict[tuple[object, frozenset[object]], list[object]] = {}
    for a, b, winner, question in zip(
        *(columns[c] for c in ("model_a", "model_b", "winner", "question_id")), strict=True
    ):
        better = {"model_a": a, "model_b": b}.get(winner)
        said.setdefault((question, frozenset((a, b))), []).append(better)
    assert {len(labels) for labels in said.values()} == {3}
    same = [sum(x == y for x, y in combinations(labels, 2)) / 3 for labels in said.values()]
    text = told(voted.signed_in(Role.ANALYST).get(PAGE).text)
    assert f"said the same in {100 * sum(same) / len(same):.0f}%" in text
    assert re.search("People with each other ?9 ?[0-9]+% ", text)


def test_no_public_page_names_a_rater_or_a_question(voted: Arena) -> None:
    """Nowhere in its bytes, drawings too; the control is the analyst's page, which names the raters."""
    names = counted.of_study(voted.db, studies.get(voted.db, "small"), HUMAN).votes
    assert len(names.raters) == 3
    analyst = voted.signed_in(Role.ANALYST).get(PAGE).text
    assert all(name in analyst for name in names.raters)
    assert 'id="raters"' in analyst
    publish(voted)
    rater = voted.browser()
    assert rater.post("/join", data={"secret": voted.link(Role.RATER)}).status_code == 303
    for browser in (voted.browser(), voted.signed_in(Role.REVIEWER), rater):
        html = browser.get(PAGE).text
        assert 'id="fragility"' in html
        assert 'id="raters"' not in html
        assert not [name for name in (*names.raters, *names.questions) if name in html]


def test_a_board_without_one_of_two_raters_is_the_others_and_is_not_public(make_db: MakeDatabase) -> None:
    arena = arena_on(make_db("sqlite"))
    arena.study(plan=Plan(raters_per_pairing=2))
    for rater in (arena.rater(), arena.rater()):
        for choice in CHOICES:
            cast(rater, choice)
    assert "without any one rater" in arena.signed_in(Role.ANALYST).get(PAGE).text
    publish(arena)
    html = arena.browser().get(PAGE).text
    assert "without any one question" in html
    assert "without any one rater" not in html


def counting(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> list[int]:
    """How often a function of a module is called from now on."""
    calls: list[int] = []
    real: Callable[..., object] = getattr(module, name)

    def called(*args: object, **kwargs: object) -> object:
        calls.append(1)
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, called)
    return calls


def test_it_is_computed_once_and_again_after_a_vote_and_raters_only_for_who_may_read_it(
    voted: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    fragile, reported = counting(monkeypatch, of_fragility, "fragility"), counting(monkeypatch, of_raters, "raters")
    analyst = voted.signed_in(Role.ANALYST)
    first = analyst.get(PAGE).text
    assert analyst.get(PAGE).text == first
    assert (len(fragile), len(reported)) == (1, 1)
    judged(voted, "judge:j1")
    publish(voted)
    for _ in range(2):
        assert voted.browser().get(PAGE).status_code == 200
    assert (len(fragile), len(reported)) == (2, 1)


def test_of_too_many_votes_nothing_is_computed(voted: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    """The analyst is told the command, the public is not."""
    monkeypatch.setattr(analysis, "MOST_VOTES", 26)
    fragile = counting(monkeypatch, of_fragility, "fragility")
    assert "Run arena fragility --study small." in told(voted.signed_in(Role.ANALYST).get(PAGE).text)
    publish(voted)
    text = told(voted.browser().get(PAGE).text)
    assert "this is not for a page" in text
    assert "arena fragility" not in text
    assert fragile == []
    monkeypatch.setattr(analysis, "MOST_VOTES", 27)
    assert "Leaving out" in told(voted.browser().get(PAGE).text)


def test_where_others_wait_it_says_when_to_come_back_and_what_is_kept_is_shown(voted: Arena) -> None:
    analyst, boards = voted.signed_in(Role.ANALYST), voted.app.state.context.boards
    places, boards._places = boards._places, threading.Semaphore(0)
    busy = analyst.get(PAGE)
    assert (busy.status_code, int(busy.headers["retry-after"]) > 0) == (503, True)
    boards._places = places
    shown = analyst.get(PAGE)
    boards._places = threading.Semaphore(0)
    assert analyst.get(PAGE).text == shown.text


def test_without_votes_it_says_what_to_wait_for(make_db: MakeDatabase) -> None:
    arena = arena_on(make_db("sqlite"))
    arena.study()
    page = arena.signed_in(Role.ANALYST).get(PAGE)
    assert "There is no vote yet. The analyses appear with the first votes." in told(page.text)
    assert "<section" not in page.text


def test_one_rater_agrees_with_nobody_and_is_compared_with_none(make_db: MakeDatabase) -> None:
    arena = arena_on(make_db("sqlite"))
    arena.study()
    rater = arena.rater()
    for choice in CHOICES:
        cast(rater, choice)
    text = told(arena.signed_in(Role.ANALYST).get(PAGE).text)
    assert "No two raters have judged the same pair of answers yet." in text
    assert "Raters can be compared where at least 3 have voted." in text


@pytest.mark.parametrize("fault", [LinAlgError("Singular matrix"), Incomplete("did not converge")])
def test_an_analysis_that_fails_leaves_the_others_standing(
    voted: Arena, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """And is not tried again with the same votes."""
    calls: list[int] = []

    def fails(*args: object, **kwargs: object) -> None:
        calls.append(1)
        raise fault

    monkeypatch.setattr(of_fragility, "fragility", fails)
    analyst = voted.signed_in(Role.ANALYST)
    for _ in range(2):
        text = told(analyst.get(PAGE).text)
        assert "This could not be computed from these votes." in text
        assert "said the same in" in text
    assert calls == [1]


def test_judges_stand_beside_people_one_at_a_time(voted: Arena) -> None:
    analyst = voted.signed_in(Role.ANALYST)
    assert 'id="combine"' not in analyst.get(PAGE).text
    for source in ("judge:j1", "judge:j2"):
        judged(voted, source)
    assert "People with judge j1" in told(analyst.get(PAGE).text)
    both = {judge: analyst.get(f"{PAGE}&judge={judge}").text for judge in ("judge:j1", "judge:j2")}
    assert analyst.get(PAGE).text == both["judge:j1"]
    for judge, html in both.items():
        chosen = re.search(r'<select id="judge".*?</select>', html, re.DOTALL)
        assert chosen
        assert [o["value"] for o in Page(chosen[0]).all("option") if "selected" in o] == [judge]
        assert 'id="combine"' in html
    assert 'id="combine"' in analyst.get(f"{PAGE}&source=judge:j2").text


def test_votes_of_a_judge_alone_are_analysed_without_being_asked_for(make_db: MakeDatabase) -> None:
    arena = arena_on(make_db("sqlite"))
    arena.study()
    judged(arena, "judge:j1")
    html = arena.signed_in(Role.ANALYST).get(PAGE).text
    assert "9 votes" in told(html) or "of 9 (" in told(html)
    assert 'id="combine"' not in html


@pytest.mark.parametrize("asked", ["source=judge:none", "judge=judge:none", "judge=human", f"source={'x' * 300}"])
def test_what_has_no_votes_is_refused_to_all(voted: Arena, asked: str) -> None:
    """What is kept is bounded by the sources that a study has."""
    analyst = voted.signed_in(Role.ANALYST)
    publish(voted)
    for browser in (analyst, voted.browser()):
        assert browser.get(f"{PAGE}&{asked}").status_code == 422


def test_the_ways_to_it_are_on_board_and_desk(voted: Arena) -> None:
    analyst = voted.signed_in(Role.ANALYST)
    judged(voted, "judge:j.1")
    for path, href in (
        ("/desk", PAGE),
        ("/leaderboard?study=small", PAGE),
        ("/leaderboard?study=small&source=judge:j.1", f"{PAGE}&source=judge%3Aj.1"),
    ):
        assert href in [link["href"] for link in Page(analyst.get(path).text).all("a")]
        assert analyst.get(href).status_code == 200
    assert PAGE not in voted.signed_in(Role.REVIEWER).get("/desk").text


def test_hostile_names_stay_names(make_db: MakeDatabase) -> None:
    arena = arena_on(make_db("sqlite"))
    names = [f"{i} {text}" for i, text in enumerate(HOSTILE[:6]) if "\n" not in text]
    studies.create(arena.db, name="hostile", title="<script>alert(1)</script>", plan=Plan(), now=arena.clock())
    answers = [{"question_id": "q", "contender": name, "text": name} for name in names]
    load(arena.db, "hostile", [{"id": "q", "text": "Q?"}], answers, arena.clock())
    studies.open_(arena.db, "hostile", now=arena.clock())
    rater = arena.rater("hostile")
    for number in range(len(names) * (len(names) - 1) // 2):
        cast(rater, CHOICES[number % len(CHOICES)])
    html = arena.signed_in(Role.ANALYST, "hostile").get("/analysis?study=hostile").text
    page = Page(html)
    assert not {"img", "iframe", "object", "embed", "base", "style", "math", "animate"} & page.tags
    assert all(script.get("src", "").startswith("/static/") for script in page.all("script"))
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert [name for name in names if name in page.text] == names


def test_the_methods_that_it_names_are_there() -> None:
    root = assets.path("templates").parent
    headings = re.findall(r"^## (.*)$", (root / "docs" / "methods.md").read_text(), re.MULTILINE)
    named = re.findall(r"In the methods: “(.*?)”", (root / "templates" / "analysis.html").read_text())
    assert len(named) == 6
    assert [name for name in named if not any(heading.startswith(name) for heading in headings)] == []
