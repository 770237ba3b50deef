"""The loop that asks for what is missing: nothing twice, nothing lost, and an end in good order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.backends.base import Failed
from arena.errors import Incomplete
from arena.services import work as module
from arena.services.work import Done, Lane, Pace, Work

Ask = Callable[[int], Awaitable[str]]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT", 1e-4)
    monkeypatch.setattr(module, "LONGEST_WAIT", 1e-3)
    monkeypatch.setattr(module, "GATHER_SECONDS", 1e-3)


class Kept:
    """What was kept, and in which batches."""

    def __init__(self) -> None:
        self.batches: list[list[tuple[int, str]]] = []

    def __call__(self, batch: list[tuple[int, str]]) -> int:
        self.batches.append(list(batch))
        return len(batch)

    @property
    def items(self) -> list[int]:
        return [item for batch in self.batches for item, _ in batch]


def worked(asks: list[Ask], count: int, **pace: float) -> tuple[Kept, Done[int]]:
    kept = Kept()
    settings = Pace(**({"concurrency": 4, "batch": 7} | pace))  # type: ignore[arg-type]
    work = Work(
        iter(range(count)),
        [Lane(str(n), ask) for n, ask in enumerate(asks)],
        kept,
        pace=settings,
        report=lambda _: None,
    )
    return kept, asyncio.run(work.run())


async def right(item: int) -> str:
    await asyncio.sleep(0)
    return str(item)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.integers(0, 40), st.integers(1, 6)), st.integers(1, 8), st.integers(1, 20))
def test_every_item_is_kept_once_or_given_up(failing: dict[int, int], concurrency: int, batch: int) -> None:
    """Item n fails `failing[n]` times; five tries are made."""
    tries: Counter[int] = Counter()

    async def ask(item: int) -> str:
        tries[item] += 1
        await asyncio.sleep(0)
        if tries[item] <= failing.get(item, 0):
            raise Failed("not now")
        return str(item)

    kept, done = worked([ask, ask], 41, concurrency=concurrency, batch=batch)
    lost = {item for item, times in failing.items() if times >= 5}
    assert sorted(kept.items) == sorted(set(range(41)) - lost)
    assert {item for item, _ in done.given_up} == lost
    assert done.kept == 41 - len(lost)
    assert all(len(one) <= batch for one in kept.batches)
    assert all(tries[item] == min(failing.get(item, 0) + 1, 5) for item in range(41))
    assert done.failures == sum(min(times, 5) for times in failing.values())


def test_what_cannot_be_mended_is_not_tried_again() -> None:
    asked = []

    async def ask(item: int) -> str:
        asked.append(item)
        raise Failed("too long", is_final=True)

    _, done = worked([ask], 3)
    assert sorted(asked) == [0, 1, 2]
    assert [reason for _, reason in done.given_up] == ["too long"] * 3


def test_a_slow_server_gets_no_more_than_its_share() -> None:
    """One answers nothing until the other has done a hundred: meanwhile it holds half of the requests in flight."""
    held = 0

    async def run() -> Done[int]:
        enough, done = asyncio.Event(), 0

        async def fast(item: int) -> str:
            nonlocal done
            await asyncio.sleep(0)
            done += 1
            if done == 100:
                enough.set()
            return str(item)

        async def slow(item: int) -> str:
            nonlocal held
            held += not enough.is_set()
            await enough.wait()
            return str(item)

        pace = Pace(concurrency=8, batch=7)
        return await Work(iter(range(150)), [Lane("f", fast), Lane("s", slow)], Kept(), pace=pace, report=_quiet).run()

    assert asyncio.run(run()).kept == 150
    assert held == 8


def _quiet(_: object) -> None:
    pass


def test_one_server_that_is_gone_costs_no_item() -> None:
    async def gone(_: int) -> str:
        raise Failed("gone", is_unreachable=True)

    kept, done = worked([gone, right], 50, tries=1)
    assert sorted(kept.items) == list(range(50))
    assert done.given_up == []


def test_a_server_that_comes_back_is_waited_for() -> None:
    calls = 0

    async def ask(item: int) -> str:
        nonlocal calls
        calls += 1
        if calls <= 30:
            raise Failed("gone", is_unreachable=True)
        return str(item)

    kept, done = worked([ask], 10, tries=2, patience=60)
    assert sorted(kept.items) == list(range(10))
    assert done.given_up == []


def test_when_nobody_comes_back_it_ends_and_what_came_before_is_kept() -> None:
    kept = Kept()

    async def ask(item: int) -> str:
        if item >= 5:
            raise Failed("nobody", is_unreachable=True)
        return str(item)

    work = Work(iter(range(9)), [Lane("one", ask)], kept, pace=Pace(4, 5, 100, patience=0), report=lambda _: None)
    with pytest.raises(Incomplete, match="what came before is kept"):
        asyncio.run(work.run())
    assert sorted(kept.items) == [0, 1, 2, 3, 4]


def test_stopping_keeps_what_is_in_flight_and_begins_nothing_more() -> None:
    kept, asked = Kept(), []

    async def ask(item: int) -> str:
        asked.append(item)
        if len(asked) == 6:
            work.stop()
        await asyncio.sleep(0)
        return str(item)

    work: Work[int, str] = Work(
        iter(range(100)), [Lane("one", ask)], kept, pace=Pace(concurrency=3), report=lambda _: None
    )
    done = asyncio.run(work.run())
    assert done.stopped
    assert sorted(kept.items) == sorted(asked)
    assert 6 <= len(asked) <= 8


def test_a_store_that_fails_ends_the_work_with_its_error() -> None:
    def keep(_: list[tuple[int, str]]) -> int:
        raise Incomplete("the disk is full")

    work = Work(iter(range(100)), [Lane("one", right)], keep, pace=Pace(4, batch=5), report=lambda _: None)
    with pytest.raises(Incomplete, match="disk is full"):
        asyncio.run(work.run())


def test_an_odd_reply_costs_one_item_and_is_listed() -> None:
    async def ask(item: int) -> str:
        if item == 3:
            raise RecursionError("too deep")
        return str(item)

    kept, done = worked([ask], 9)
    assert sorted(kept.items) == [0, 1, 2, 4, 5, 6, 7, 8]
    assert done.given_up == [(3, "RecursionError: too deep")]


def test_a_server_that_refuses_everything_ends_the_work_at_once() -> None:
    asked = []

    async def ask(item: int) -> str:
        asked.append(item)
        raise Failed("HTTP 401: no", ends_all=True)

    with pytest.raises(Incomplete, match="refuses every request: HTTP 401"):
        worked([ask], 1000)
    assert len(asked) <= 4
