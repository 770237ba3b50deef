"""The whole API under a fuzzer that knows its schema only: no 5xx, and no answer that the schema does not announce."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from schemathesis.engine import Status, events, from_schema
from starlette.responses import JSONResponse

from arena.domain.vocabulary import Role
from arena.services import studies
from arena.web import api, problems
from tests.conftest import MakeDatabase
from tests.scale import IS_LONG, scaled
from tests.web.conftest import Arena, arena_on, cast

PHASES = {"examples", "coverage", "fuzzing", "stateful"}
CHOICES = ("a_better", "b_better", "tie_good", "tie_bad", "a_much_better", "b_better")
OPERATIONS = {
    "GET /api/v1/studies",
    "GET /api/v1/studies/{name}",
    "GET /api/v1/studies/{name}/leaderboard",
    "GET /api/v1/studies/{name}/export/{what}",
}
ANYONE = {200, 401, 404, 422}
WHO: dict[str, set[int]] = {
    # What the fuzzer must have met, or it would have shown little.
    "anonymous": ANYONE,
    "rater": ANYONE,
    "reviewer": ANYONE | {403},
    "analyst": ANYONE,
    "admin": ANYONE,
}


@dataclass
class Walked:
    """What the fuzzer met and what it holds against the API."""

    operations: set[str] = field(default_factory=set)
    phases: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    links: int = 0
    failures: list[str] = field(default_factory=list)


def walk(arena: Arena, who: str, examples: int) -> Walked:
    """All phases of one run with a fixed seed, by token or, for a rater, by cookie."""
    settings: dict[str, Any] = {
        "seed": 20260302,
        "base-url": arena.settings.public_url,
        "generation": {"max-examples": examples, "deterministic": True, "database": "none"},
        # The schema cannot say which contenders, judges and ledger positions a study has: naming others is 422.
        "checks": {"positive_data_acceptance": {"enabled": False}},
    }
    if who == "rater":
        settings["headers"] = {"cookie": "; ".join(f"{n}={v}" for n, v in arena.rater().cookies.items())}
    elif who != "anonymous":
        secret = arena.token(Role(who))["authorization"].removeprefix("Bearer ")
        settings["auth"] = {"openapi": {"HTTPBearer": {"bearer": secret}}}
    schema = schemathesis.openapi.from_asgi(
        "/api/v1/openapi.json",
        arena.app,
        config=schemathesis.Config.from_dict(settings),
        headers={"host": "arena.test"},
    )
    walked = Walked()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _note(event, walked)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            walked.failures.append(str(vars(event)))
    return walked


def _note(event: events.ScenarioFinished, walked: Walked) -> None:
    walked.phases.add(event.phase.value)
    walked.operations |= {node.value.operation.label for node in event.recorder.cases.values()}
    walked.links += sum(node.transition is not None for node in event.recorder.cases.values())
    walked.statuses.update(
        found.response.status_code for found in event.recorder.interactions.values() if found.response is not None
    )
    for checks in event.recorder.checks.values():
        for check in checks:
            if check.status is not Status.SUCCESS and check.failure_info:
                walked.failures.append(f"{check.name}: {check.failure_info.failure} {check.failure_info.code_sample}")


def with_votes(arena: Arena) -> Arena:
    """Two studies with votes, one open and one published."""
    for name in ("small", "public"):
        arena.study(name, questions=2)
        rater = arena.rater(name)
        for choice in CHOICES:
            cast(rater, choice, comment="=a remark")
    studies.close(arena.db, "public", now=arena.clock())
    studies.publish(arena.db, "public", now=arena.clock())
    return arena


WALKS = [(who, kind) for who in WHO for kind in ("sqlite", "postgresql")]
"""In the short form two walk on PostgreSQL too: one whom a cookie lets in, and one whom a token does."""


@pytest.mark.reliability
@pytest.mark.parametrize(
    ("who", "kind"), [walk for walk in WALKS if IS_LONG or walk[1] == "sqlite" or walk[0] in ("rater", "admin")]
)
def test_no_request_breaks_the_api_or_its_schema(make_db: MakeDatabase, kind: str, who: str) -> None:
    walked = walk(with_votes(arena_on(make_db(kind))), who, scaled(4, 100))
    assert walked.failures == []
    assert walked.phases >= PHASES
    assert walked.operations == OPERATIONS
    assert walked.links > 10
    assert set(walked.statuses) >= WHO[who]
    assert max(walked.statuses) < 500


def test_the_fuzzer_finds_what_a_broken_api_does(make_db: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a fault in two routes, and errors of another shape than the schema says."""
    arena = with_votes(arena_on(make_db("sqlite")))
    monkeypatch.setattr(api, "readable_study", lambda *_: 1 / 0)
    monkeypatch.setattr(problems, "JSONResponse", lambda _, status_code: JSONResponse({"oops": 1}, status_code))
    failures = walk(arena, "analyst", 4).failures
    assert {failure.partition(":")[0] for failure in failures} >= {"not_a_server_error", "response_schema_conformance"}
