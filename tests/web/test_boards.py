"""Leaderboards and exports, as pages and over the API."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import subprocess
import sys
import threading
from functools import partial
from itertools import pairwise
from typing import Any

import anyio
import httpx2
import pytest
from anyio.from_thread import start_blocking_portal

from arena.domain.blinding import Ballot
from arena.domain.plan import Plan
from arena.domain.vocabulary import Choice, Role
from arena.errors import BadInput
from arena.reports import tables
from arena.services import access, exports, imports, leaderboard, studies, voting
from arena.services.files import Limits, read_records
from arena.services.leaderboard import BoardRequest
from arena.web.asked import LEVELS
from arena.web.boards import Boards
from tests.web.conftest import CONTENDERS, URL, Arena, cast, load
from tests.web.hostile import HOSTILE
from tests.web.reading import Page

CHOICES = ("a_better", "b_better", "tie_good", "tie_bad", "a_much_better", "b_much_better", "a_better", "b_better")


@pytest.fixture
def voted(arena: Arena) -> Arena:
    """A study with nine votes, still open."""
    arena.study()
    secret, now = arena.link(Role.RATER), arena.clock()
    _, seat = access.redeem(arena.db, secret, now=now, hours=1)
    seat = access.consent(arena.db, seat, now=now)
    for choice in (*CHOICES, "tie_good"):
        matchup = voting.next_matchup(arena.db, seat, now=now)
        assert matchup
        voting.cast_vote(arena.db, seat, Ballot(matchup.token, Choice(choice)), now=arena.clock())
    return arena


def publish(arena: Arena) -> None:
    studies.close(arena.db, "small", now=arena.clock())
    studies.publish(arena.db, "small", now=arena.clock())


def test_the_apis_bytes_are_the_reports(voted: Arena) -> None:
    study = studies.get(voted.db, "small")
    analyst = voted.signed_in(Role.ANALYST)
    request = BoardRequest(rounds=50, seed=3, level=0.9)
    board = leaderboard.board(voted.db, study, request)
    address = "/api/v1/studies/small/leaderboard?bootstrap=50&seed=3&level=0.9"
    for file_format, text in (
        ("json", tables.board_json(board)),
        ("csv", tables.board_csv(board)),
        ("md", tables.board_markdown(board)),
    ):
        assert analyst.get(f"{address}&format={file_format}").content == text.encode()
    by = BoardRequest(rounds=50, seed=3, level=0.9, by="category")
    overall, groups = leaderboard.grouped(voted.db, study, by)
    assert analyst.get(f"{address}&by=category").content == tables.grouped_json("category", overall, groups).encode()


@pytest.mark.parametrize("asked", [{"format": "json"}, {"format": "csv", "by": "category"}, {"format": "md"}])
def test_the_apis_bytes_are_the_commands(voted: Arena, asked: dict[str, str]) -> None:
    """The command in another process, on the same database."""
    given = {"bootstrap": "40", "seed": "7", "level": "0.9", "anchor": "quokka=1200", **asked}
    answer = voted.signed_in(Role.ANALYST).get("/api/v1/studies/small/leaderboard", params=given)
    assert answer.status_code == 200
    options = [part for name, value in given.items() for part in (f"--{name}", value)]
    command = [sys.executable, "-c", "from arena.cli import main; main()", "leaderboard", "--study", "small", *options]
    url = voted.db.engine.url.render_as_string(hide_password=False)
    ran = subprocess.run(command, env=os.environ | {"ARENA_DATABASE_URL": url}, capture_output=True, check=True)
    assert ran.stdout == answer.content


def test_the_board_counts_the_votes(voted: Arena) -> None:
    found = voted.signed_in(Role.ANALYST).get("/api/v1/studies/small/leaderboard?bootstrap=50").json()
    assert list(found)[:9] == [
        "study", "method", "scale", "anchor", "interval", "votes", "ledger", "rows", "warnings",
    ]  # fmt: skip
    assert (found["study"], found["votes"]) == ("small", 9)
    assert sum(row["votes"] for row in found["rows"]) == 18
    assert sum(row["ties"] for row in found["rows"]) == 4
    assert sum(row["both_bad"] for row in found["rows"]) == 2
    head = studies.overview(voted.db, studies.get(voted.db, "small")).head
    assert found["ledger"] == {"position": head.position, "head": head.hash}


def test_the_page_shows_what_the_api_gives(voted: Arena) -> None:
    publish(voted)
    browser = voted.browser()
    page = Page(browser.get("/leaderboard?study=small").text)
    found = browser.get("/api/v1/studies/small/leaderboard").json()
    for row in found["rows"]:
        assert row["model"] in page.text
        assert f"{row['rating']:.0f}" in page.text
    assert found["ledger"]["head"] in page.text
    assert "svg" in page.tags
    assert "published" in page.text
    assert "simulated votes" not in page.text
    for link in page.all("a"):
        if link["href"].startswith("/api/"):
            assert browser.get(link["href"]).status_code == 200


def test_the_downloads_are_of_the_settings_shown(voted: Arena) -> None:
    publish(voted)
    browser = voted.browser()
    page = Page(browser.get("/leaderboard?study=small&method=elo&level=0.9&by=category").text)
    [href] = [link["href"] for link in page.all("a") if "format=json" in link["href"]]
    found = browser.get(href).json()
    assert (found["method"], found["interval"]["level"]) == ("elo", 0.9)
    assert found["by"]["groups"][0]["value"] == "Cardiology"
    assert "Cardiology" in page.text


def test_a_published_board_is_for_all_and_one_study_is_found_by_itself(voted: Arena) -> None:
    browser = voted.browser()
    assert "No leaderboard is public yet" in browser.get("/leaderboard").text
    publish(voted)
    assert browser.get("/leaderboard").headers["location"] == "/leaderboard?study=small"
    assert "The small study" in browser.get("/").text
    assert browser.get("/api/v1/studies").json() == {
        "studies": [{"name": "small", "title": "The small study", "state": "published"}]
    }


def test_a_board_without_votes_says_so(arena: Arena) -> None:
    arena.study()
    analyst = arena.signed_in(Role.ANALYST)
    page = analyst.get("/leaderboard?study=small")
    assert page.status_code == 200
    assert "no vote" in page.text
    answer = analyst.get("/api/v1/studies/small/leaderboard")
    assert (answer.status_code, list(answer.json())) == (409, ["error"])


def test_boards_are_computed_once_and_again_after_a_vote(voted: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[int] = []
    real = leaderboard.board

    def counting(*args: object, **kwargs: object) -> object:
        computed.append(1)
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(leaderboard, "board", counting)
    voted.study("other")
    analyst, rater = voted.signed_in(Role.ANALYST, "other"), voted.rater("other")
    for times in (1, 2):
        cast(rater)
        first = analyst.get("/api/v1/studies/other/leaderboard?bootstrap=20").content
        assert analyst.get("/api/v1/studies/other/leaderboard?bootstrap=20&format=json").content == first
        assert len(computed) == times


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("at=40", "at: only for the study's analysts"),
        ("seed=1", "seed: only for the study's analysts"),
        ("bootstrap=999", "bootstrap: only for the study's analysts"),
        ("anchor=quokka=1000", "anchor: only for the study's analysts"),
        ("level=0.85", "level: one of 0.8, 0.9, 0.95, 0.99"),
        ("source=judge:none", "source: the study has no votes from 'judge:none'"),
    ],
)
def test_the_public_gets_the_newest_board_and_few_settings(voted: Arena, setting: str, told: str) -> None:
    publish(voted)
    address, page = f"/api/v1/studies/small/leaderboard?{setting}", f"/leaderboard?study=small&{setting}"
    reviewer, analyst = voted.signed_in(Role.REVIEWER), voted.signed_in(Role.ANALYST)
    for browser in (voted.browser(), reviewer, voted.rater()):
        answer = browser.get(address)
        assert (answer.status_code, told in answer.json()["error"]["message"]) == (422, True)
        shown = browser.get(page)
        assert (shown.status_code, told.lower() in Page(shown.text).text.lower()) == (422, True)
    assert analyst.get(address).status_code == (409 if "source" in setting else 200)
    assert analyst.get(page).status_code == 200
    for allowed in ("seed=0", "bootstrap=1000", "level=0.8", "by=category", "both_bad=drop", "source=human"):
        assert voted.browser().get(f"/api/v1/studies/small/leaderboard?{allowed}").status_code == 200


def test_no_vote_is_told_by_two_boards_of_the_public(voted: Arena) -> None:
    """Boards at neighbouring positions differ by one vote; the control is the analyst, who may tell them apart."""
    publish(voted)
    address = "/api/v1/studies/small/leaderboard?bootstrap=10"
    analyst, head = voted.signed_in(Role.ANALYST), studies.head(voted.db, studies.get(voted.db, "small").id)
    counts = [analyst.get(f"{address}&method=elo&at={at}").json().get("votes", 0) for at in range(1, head.position + 1)]
    assert {later - earlier for earlier, later in pairwise(counts)} == {0, 1}
    for at in range(1, head.position + 1):
        assert voted.browser().get(f"{address.partition('?')[0]}?method=elo&at={at}").status_code == 422


def test_many_board_requests_leave_room_for_voting(voted: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    """More requests than the server has threads, on one event loop, while the first board is being computed."""
    publish(voted)
    voted.study("other")
    cookies = {"cookie": "; ".join(f"{name}={value}" for name, value in voted.rater("other").cookies.items())}
    release, computed = threading.Event(), list[bool]()

    def held(real: Any) -> Any:
        def compute(*args: Any) -> object:
            computed.append(turned_away.is_set())
            assert release.wait(90)
            return real(*args)

        return compute

    for name in ("board", "grouped"):
        monkeypatch.setattr(leaderboard, name, held(getattr(leaderboard, name)))
    answers: list[httpx2.Response] = []
    turned_away = anyio.Event()
    settings = itertools.product(("bradley-terry", "elo"), LEVELS, ("half", "drop"), ("", "category"))

    async def ask(client: httpx2.AsyncClient, method: str, level: float, both_bad: str, by: str) -> None:
        asked = {"method": method, "level": str(level), "both_bad": both_bad, "by": by}
        answers.append(await client.get("/api/v1/studies/small/leaderboard", params=asked))
        if len(answers) == 61:
            turned_away.set()

    async def crowd() -> None:
        transport = httpx2.ASGITransport(voted.app)
        client = httpx2.AsyncClient(transport=transport, base_url=URL, timeout=None)
        async with client, anyio.create_task_group() as group:
            try:
                for setting in [*settings] * 2:
                    group.start_soon(ask, client, *setting)
                with anyio.fail_after(60):
                    await turned_away.wait()
                    voting_page = await client.get("/vote", headers=cookies)
            finally:
                release.set()
        assert voting_page.status_code == 200
        assert "Which answer is better?" in voting_page.text

    with start_blocking_portal() as portal:  # In a thread of its own: browser tests leave a loop in this one.
        portal.call(crowd)
    assert computed[0] is False
    assert all(computed[1:])
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) == 61
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert "Ask again" in refused[0].json()["error"]["message"]
    assert [answer.status_code for answer in answers if answer not in refused] == [200] * 3


def test_settings_that_cannot_be_used_are_named(voted: Arena) -> None:
    browser = voted.signed_in(Role.ANALYST)
    assert browser.get("/api/v1/studies/small/leaderboard?bootstrap=20&anchor=quokka=-1e6").status_code == 200
    queries = ["method=x", "level=2", "level=nan", "seed=-1", "by=x", "source=x", "at=99999", "format=x"]
    queries += [f"anchor={anchor}" for anchor in ("x", "quokka=nan", "quokka=inf", "quokka=1e308", "%3D5", "none=5")]
    for query in queries:
        answer = browser.get(f"/api/v1/studies/small/leaderboard?bootstrap=20&{query}")
        assert (answer.status_code, set(answer.json()["error"])) == (422, {"status", "message"}), query
        assert browser.get(f"/leaderboard?study=small&bootstrap=20&{query}").status_code in (200, 422), query


def test_exports_are_the_services_files(voted: Arena) -> None:
    study = studies.get(voted.db, "small")
    analyst = voted.signed_in(Role.ANALYST)
    for what in ("votes", "answers", "questions", "ledger"):
        for file_format in ("jsonl", "csv", "parquet") if what != "ledger" else ("jsonl",):
            target = io.BytesIO()
            exports.export(voted.db, study, what, target, file_format)
            answer = analyst.get(f"/api/v1/studies/small/export/{what}?format={file_format}")
            assert answer.content == target.getvalue(), (what, file_format)
            assert f'filename="small-{what}.{file_format}"' in answer.headers["content-disposition"]
    assert analyst.get("/api/v1/studies/small/export/ledger?format=csv").status_code == 422
    rows = list(csv.DictReader(io.StringIO(analyst.get("/api/v1/studies/small/export/votes?format=csv").text)))
    assert [row["choice"] for row in rows] == [*CHOICES, "tie_good"]
    answers = analyst.get("/api/v1/studies/small/export/answers").text.splitlines()
    assert {json.loads(line)["contender"] for line in answers} == set(CONTENDERS)


def test_tokens_open_what_their_role_and_study_say(voted: Arena) -> None:
    voted.study("elsewhere")
    address = "/api/v1/studies/small/export/votes"
    bare = voted.browser()
    statuses = {
        "analyst": bare.get(address, headers=voted.token(Role.ANALYST)).status_code,
        "admin of all": bare.get(address, headers=voted.token(Role.ADMIN, None)).status_code,
        "reviewer": bare.get(address, headers=voted.token(Role.REVIEWER)).status_code,
        "other study": bare.get(address, headers=voted.token(Role.ANALYST, "elsewhere")).status_code,
        "unknown": bare.get(address, headers={"authorization": "Bearer nonsense"}).status_code,
        "basic": bare.get(address, headers={"authorization": "Basic nonsense"}).status_code,
    }
    assert statuses == {
        "analyst": 200, "admin of all": 200, "reviewer": 404, "other study": 404, "unknown": 401, "basic": 401,
    }  # fmt: skip
    publish(voted)
    assert bare.get(address, headers=voted.token(Role.REVIEWER)).status_code == 403
    assert bare.get(address).status_code == 401


def test_a_bad_token_is_not_helped_by_a_cookie(voted: Arena) -> None:
    analyst = voted.signed_in(Role.ANALYST)
    answer = analyst.get("/api/v1/studies/small", headers={"authorization": "Bearer nonsense"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_errors_of_the_api_have_one_shape(voted: Arena) -> None:
    browser = voted.browser()
    for answer in (
        browser.get("/api/v1/nothing"),
        browser.delete("/api/v1/studies"),
        browser.get("/api/v1/studies/none"),
        browser.post("/api/v1/studies", headers={"sec-fetch-site": "cross-site"}),
        browser.get("/api/v1/studies", headers={"host": "evil.test"}),
    ):
        assert answer.json()["error"]["status"] == answer.status_code
        assert answer.json()["error"]["message"]
    assert browser.delete("/api/v1/studies").headers["allow"] == "GET"


def test_the_api_describes_itself(arena: Arena) -> None:
    described = arena.browser().get("/api/v1/openapi.json").json()
    assert set(described["paths"]) == {
        "/api/v1/studies",
        "/api/v1/studies/{name}",
        "/api/v1/studies/{name}/leaderboard",
        "/api/v1/studies/{name}/export/{what}",
    }
    assert described["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    schemas = described["components"]["schemas"]
    references = set(json.dumps(described).split("#/components/schemas/")[1:])
    assert {reference.split('"')[0] for reference in references} <= set(schemas)
    for path in described["paths"].values():
        assert "404" in path["get"]["responses"]
        assert path["get"]["responses"]["404"]["content"]["application/json"]["schema"]["$ref"].endswith("ErrorReply")


def test_the_desk_counts_and_links(voted: Arena) -> None:
    analyst = voted.signed_in(Role.ANALYST)
    page = Page(analyst.get("/desk").text)
    assert "9 of 9" in " ".join(page.text.split())
    for link in page.all("a"):
        assert analyst.get(link["href"]).status_code in (200, 303) or link["href"].startswith("#")
    reviewer = Page(voted.signed_in(Role.REVIEWER).get("/desk").text)
    assert "9 of 9" not in " ".join(reviewer.text.split())
    assert not [link for link in reviewer.all("a") if "/api/" in link["href"]]


def test_boards_keep_the_last_ones_and_why_there_is_none() -> None:
    boards: Boards[int] = Boards(largest=2)
    asked: list[str] = []

    def compute(key: str) -> int:
        asked.append(key)
        if key == "bad":
            raise BadInput("no")
        if key == "broken":
            raise OSError("for now")
        return len(asked)

    for key in ("one", "two", "one", "three", "one", "two"):
        boards.get(key, partial(compute, key))
    assert asked == ["one", "two", "three", "two"]
    for _ in range(2):
        with pytest.raises(BadInput, match="no"):
            boards.get("bad", partial(compute, "bad"))
        with pytest.raises(OSError, match="for now"):
            boards.get("broken", partial(compute, "broken"))
    assert asked.count("bad") == 1
    assert asked.count("broken") == 2


def test_a_kept_board_is_given_while_another_is_computed() -> None:
    boards: Boards[str] = Boards()
    boards.get("kept", lambda: "kept")
    started, release = threading.Event(), threading.Event()

    def slow() -> str:
        started.set()
        assert release.wait(10)
        return "slow"

    worker = threading.Thread(target=lambda: boards.get("slow", slow))
    worker.start()
    assert started.wait(10)
    assert boards.get("kept", lambda: "computed anew") == "kept"
    release.set()
    worker.join()


def test_hostile_names_stay_names(arena: Arena) -> None:
    """Titles and contenders of markup, in the page and in its plot."""
    names = [f"{i} {text}" for i, text in enumerate(HOSTILE[:12]) if "\n" not in text]
    studies.create(arena.db, name="hostile", title="<script>alert(1)</script>", plan=Plan(), now=arena.clock())
    load(
        arena.db,
        "hostile",
        [{"id": "q", "text": "Q?", "category": "<img src=x onerror=alert(1)>"}],
        [{"question_id": "q", "contender": name, "text": name} for name in names],
        arena.clock(),
    )
    studies.open_(arena.db, "hostile", now=arena.clock())
    rater = arena.rater("hostile")
    for number in range(40):
        cast(rater, CHOICES[number % 8])
    html = arena.signed_in(Role.ANALYST, "hostile").get("/leaderboard?study=hostile&method=elo&by=category").text
    page = Page(html)
    assert not {"img", "iframe", "object", "embed", "base", "style", "math", "animate"} & page.tags
    assert all(script.get("src", "").startswith("/static/") for script in page.all("script"))
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert [row for row in names if row in page.text] == names


def test_simulated_votes_are_marked(arena: Arena) -> None:
    arena.study()
    votes = [
        {"id": f"v{i}", "question_id": f"q{i}", "model_a": CONTENDERS[i], "model_b": CONTENDERS[(i + 1) % 3],
         "winner": "model_a", "judge": "sim", "simulated": True}
        for i in range(3)
    ]  # fmt: skip
    lines = "".join(f"{json.dumps(vote)}\n" for vote in votes).encode()
    records = read_records(io.BytesIO(lines), name="votes", file_format="jsonl", limits=Limits())
    imports.import_votes(arena.db, "small", records, source="human", now=arena.clock())
    page = Page(arena.signed_in(Role.ANALYST).get("/leaderboard?study=small").text)
    assert "simulated votes" in page.text
