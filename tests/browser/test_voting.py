"""The main job in a real browser: K-QA opened, twenty votes cast, board and exports checked against those votes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from arena.domain.plan import Plan
from arena.domain.text import refused_character
from arena.domain.vocabulary import Role
from arena.services import access, exports, imports, leaderboard, studies
from arena.services.audit import audit_study
from arena.services.files import Limits, read_records
from arena.services.leaderboard import BoardRequest
from arena.store.engine import Database
from tests.browser.chromium import DESK, Watch
from tests.browser.conftest import Serve
from tests.shared_data import shared_data
from tests.web.conftest import load
from tests.web.hostile import HOSTILE

pytestmark = pytest.mark.browser

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHOICES = ("a_much_better", "a_better", "tie_good", "tie_bad", "b_better", "b_much_better", "cannot_judge")
LABELS = ("A much better", "A better", "Both good", "Both bad", "B better", "B much better", "Cannot judge")


@dataclass(frozen=True)
class Cast:
    """One vote as the person in front of the browser knows it."""

    question: str
    a: str
    b: str
    choice: str


class Key:
    """Finds the question and contenders by the words on the page, as read from the study's files."""

    def __init__(self, folder: Path) -> None:
        questions, answers = (
            [json.loads(line) for line in (folder / name).read_text().splitlines()]
            for name in ("questions.jsonl", "answers.jsonl")
        )
        self.questions = {words(row["text"]): row["id"] for row in questions}
        self.answers = {(row["question_id"], words(row["text"])): row["contender"] for row in answers}

    def read(self, page: Page) -> tuple[str, str, str]:
        """Question, contender of A, contender of B of the pair that is shown."""
        question = self.questions[words(page.locator(".question .reading").first.inner_text())]
        a, b = (self.answers[question, words(box.inner_text())] for box in page.locator(".answer .reading").all())
        return question, a, b


def words(text: str) -> str:
    """Letters only: neither list signs nor spacing."""
    return re.sub(r"[\W\d_]", "", text)


@pytest.fixture
def kqa(db: Database) -> Database:
    """The real study, open."""
    folder = shared_data("kqa_study")
    studies.create(db, name="kqa", title="K-QA", plan=Plan(), now=NOW)
    for read, name in ((imports.import_questions, "questions.jsonl"), (imports.import_answers, "answers.jsonl")):
        read(db, "kqa", read_records(folder / name, name=name, file_format=None, limits=Limits()), now=NOW)
    studies.open_(db, "kqa", now=NOW)
    return db


def link(db: Database, role: Role, study: str = "kqa") -> str:
    return access.invite(db, study, role=role, name=f"A {role}", days=1, now=datetime.now(UTC)).secret


def enter(page: Page, url: str, secret: str) -> None:
    """From the invitation to the first pair."""
    page.goto(f"{url}/join/{secret}")
    page.get_by_role("button", name="Accept and sign in").click()
    page.get_by_role("button", name="I agree").click()
    page.wait_for_url("**/vote")


def vote_by_keyboard(page: Page, number: int) -> None:
    page.keyboard.press(str(number + 1))
    if CHOICES[number] == "cannot_judge":
        page.locator("#reason").select_option("question_unclear")
    page.keyboard.press("Control+Enter")


def vote_by_mouse(page: Page, number: int) -> None:
    page.get_by_text(LABELS[number], exact=True).first.click()
    if CHOICES[number] == "cannot_judge":
        page.locator("#reason").select_option("outside_expertise")
    page.get_by_role("button", name="Save and continue").dblclick()


def submit(page: Page, key: Key, number: int, *, keyboard: bool) -> Cast:
    """Vote on the pair that is shown, and wait for the receipt on the next page."""
    question, a, b = key.read(page)
    before = page.locator('input[name="token"]').get_attribute("value")
    (vote_by_keyboard if keyboard else vote_by_mouse)(page, number)
    page.wait_for_function("old => document.querySelector('input[name=token]')?.value !== old", arg=before)
    return Cast(question, a, b, CHOICES[number])


@pytest.fixture
def contexts(chromium: Browser) -> Iterator[tuple[BrowserContext, BrowserContext]]:
    """Two windows of one person: with scripts, and with scripts switched off."""
    scripted = chromium.new_context(viewport=DESK)
    bare = chromium.new_context(viewport=DESK, java_script_enabled=False)
    yield scripted, bare
    scripted.close()
    bare.close()


def test_twenty_votes_on_kqa(
    kqa: Database, serve: Serve, contexts: tuple[BrowserContext, BrowserContext], tmp_path: Path
) -> None:
    url, key = serve(kqa), Key(shared_data("kqa_study"))
    scripted, bare = contexts
    page = scripted.new_page()
    watch = Watch(page, url)
    enter(page, url, link(kqa, Role.RATER))
    cast = [submit(page, key, number % 7, keyboard=True) for number in range(8)]
    cast += [submit(page, key, number % 7, keyboard=False) for number in range(8, 14)]
    assert page.locator(".count").inner_text().startswith("14 judged")
    bare.add_cookies(scripted.cookies())  # type: ignore[arg-type]
    cast += vote_without_scripts(bare.new_page(), url, key, range(14, 20))
    assert watch.seen == []
    check_records(kqa, cast, tmp_path)
    assert scripted.browser
    with scripted.browser.new_context(viewport=DESK) as another:  # In the rater's own browser the board is refused.
        check_board_page(another.new_page(), url, kqa)


def vote_without_scripts(page: Page, url: str, key: Key, numbers: range) -> list[Cast]:
    """The first time without a choice: the page that comes back keeps the comment."""
    page.goto(f"{url}/vote")
    page.locator("#comment").fill("a remark")
    page.get_by_role("button", name="Save and continue").click()
    assert page.locator("#problem").inner_text() == "Choose one of the replies first."
    assert page.locator("#comment").input_value() == "a remark"
    cast = []
    for number in numbers:
        question, a, b = key.read(page)
        receipt = page.locator(".receipt").inner_text()
        page.locator(f'input[value="{CHOICES[number % 7]}"]').check()
        if CHOICES[number % 7] == "cannot_judge":
            page.locator("#reason").select_option("other")
        page.get_by_role("button", name="Save and continue").click()
        assert "Your last vote is saved" in page.locator(".receipt").inner_text() != receipt
        cast.append(Cast(question, a, b, CHOICES[number % 7]))
    return cast


def check_records(db: Database, cast: list[Cast], folder: Path) -> None:
    """Every export and the leaderboard say what was voted, counted anew from the list of votes."""
    study = studies.get(db, "kqa")
    exports.export(db, study, "votes", folder / "votes.jsonl", "jsonl")
    rows = [json.loads(line) for line in (folder / "votes.jsonl").read_text().splitlines()]
    assert [Cast(row["question_id"], row["model_a"], row["model_b"], row["choice"]) for row in rows] == cast
    assert len({row["judge"] for row in rows}) == 1
    assert [row["comment"] for row in rows if row["comment"]] == ["a remark"]
    for what, count in (("questions", 201), ("answers", 250)):
        exports.export(db, study, what, folder / f"{what}.jsonl", "jsonl")  # type: ignore[arg-type]
        assert len((folder / f"{what}.jsonl").read_text().splitlines()) == count
    exports.export(db, study, "ledger", folder / "ledger.jsonl", "jsonl")
    assert (folder / "ledger.jsonl").read_text().count('"vote"') >= 20
    tally: Counter[tuple[str, str]] = Counter()
    for vote in cast:
        for model, won, lost in ((vote.a, "a_", "b_"), (vote.b, "b_", "a_")):
            for outcome, start in (("wins", won), ("losses", lost), ("ties", "tie_good"), ("both_bad", "tie_bad")):
                tally[model, outcome] += vote.choice.startswith(start)
    assert audit_study(db, study.id).head == studies.overview(db, study).head
    # Twenty votes need not connect all contenders, which Bradley-Terry asks for; the online rating does not.
    board = leaderboard.board(db, study, BoardRequest(method="elo", rounds=20))
    assert {
        (row.model, outcome): getattr(row, outcome)
        for row in board.rows
        for outcome in ("wins", "losses", "ties", "both_bad")
    } == {(row.model, outcome): tally[row.model, outcome] for row in board.rows
          for outcome in ("wins", "losses", "ties", "both_bad")}  # fmt: skip
    assert board.votes == sum(vote.choice != "cannot_judge" for vote in cast)


def check_board_page(page: Page, url: str, db: Database) -> None:
    """An analyst sees the counts that the service gives."""
    page.goto(f"{url}/join/{link(db, Role.ANALYST)}")
    page.get_by_role("button", name="Accept and sign in").click()
    page.wait_for_url("**/desk")
    page.goto(f"{url}/leaderboard?study=kqa&method=elo")
    board = leaderboard.board(db, studies.get(db, "kqa"), BoardRequest(method="elo"))
    shown = [row.locator("td, th").all_inner_texts() for row in page.locator("table.ratings tbody tr").all()]
    assert [(row[1].split("\n")[0].split(" ")[0], row[9], row[10], row[11], row[12]) for row in shown] == [
        (row.model, str(row.wins), str(row.losses), str(row.ties), str(row.both_bad)) for row in board.rows
    ]
    assert page.locator("figure svg").is_visible()


def test_hostile_answers_do_nothing_in_the_page(db: Database, serve: Serve, chromium: Browser) -> None:
    """Each hostile text as question, context and answer; shown, voted on, and never more than text."""
    texts = [text for text in HOSTILE if text.strip() and not refused_character(text) and len(text) < 50_000]
    asked = [{"id": f"q{i}", "text": f"Q{i} {text}", "context": text} for i, text in enumerate(texts[:30])]
    answered = [
        {"question_id": f"q{i}", "contender": f"{name} {texts[0]}", "text": texts[(2 * i + side) % len(texts)]}
        for i in range(len(asked))
        for side, name in enumerate(("one", "two"))
    ]
    studies.create(db, name="hostile", title="<script>alert(1)</script> \"'>", plan=Plan(), now=NOW)
    load(db, "hostile", asked, answered, NOW)
    studies.open_(db, "hostile", now=NOW)
    url = serve(db)
    context = chromium.new_context(viewport=DESK)
    page = context.new_page()
    watch = Watch(page, url)
    enter(page, url, link(db, Role.RATER, "hostile"))
    for number in range(len(asked)):
        assert page.locator('input[name="choice"]').count() == 7
        assert page.locator("form").count() == 3
        assert page.locator("input:checked").count() == 0
        assert page.locator(".answer h2").all_inner_texts() == ["Answer A", "Answer B"]
        inside = page.evaluate(
            "[...document.querySelectorAll('.reading *')].map(e => e.localName + [...e.attributes].map(a => a.name))"
        )
        assert {found for found in inside if not re.fullmatch(r"[a-z0-9]+(class|start)?", found)} == set()
        assert not {"script", "img", "a", "iframe", "svg", "form", "input", "style"} & set(inside)
        page.keyboard.press("2")
        page.keyboard.press("Control+Enter")
        page.wait_for_function(
            "n => document.querySelector('.count b')?.textContent == n || !document.querySelector('.count')",
            arg=str(number + 1),
        )
    assert "Thank you" in page.inner_text("main")
    assert watch.seen == []
    context.close()
