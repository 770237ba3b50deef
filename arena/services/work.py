"""The loop that generation and judging share: ask for what is missing, many at a time, and keep what comes in batches.

Whoever has a result waits until it is kept before asking for the next one, so that a process that is killed loses no
more than it had in flight.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from arena.backends.base import Failed
from arena.errors import Incomplete

Item = TypeVar("Item")
Result = TypeVar("Result")

FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
GATHER_SECONDS = 0.05
"""For so long a batch is gathered: what comes together is kept together."""


@dataclass(frozen=True)
class Pace:
    """How hard to work: requests in flight on each lane, tries for each item, results in a batch, and the seconds for
    which a server that nobody reaches is waited for."""

    concurrency: int = 64
    tries: int = 5
    batch: int = 100
    patience: float = 300.0


@dataclass
class Lane(Generic[Item, Result]):
    """One server: `ask` it, and what is in flight there. It rests until `resting` (monotonic seconds) after a failure
    to reach it, which has lasted since `lost`."""

    name: str
    ask: Callable[[Item], Awaitable[Result]]
    in_flight: int = 0
    resting: float = 0.0
    lost: float | None = None
    losses: int = 0


@dataclass
class Done(Generic[Item]):
    """How the work went. `failures` are attempts that came to nothing, `given_up` items with the reason of the last."""

    kept: int = 0
    failures: int = 0
    given_up: list[tuple[Item, str]] = field(default_factory=list)
    stopped: bool = False


class Work(Generic[Item, Result]):
    """One run of the loop. `stop()` lets what is in flight come in, keeps it, and begins nothing more."""

    def __init__(
        self,
        items: Iterator[Item],
        lanes: Sequence[Lane[Item, Result]],
        keep: Callable[[list[tuple[Item, Result]]], int],
        *,
        pace: Pace,
        report: Callable[[Done[Item]], None],
    ) -> None:
        """`items` are asked for in their order; `keep` stores a batch, in a thread, and returns how many were new."""
        self._items, self._lanes, self._keep, self._pace, self._report = items, lanes, keep, pace, report
        self._results: asyncio.Queue[tuple[Item, Result, asyncio.Event]] = asyncio.Queue()
        self._stopping = asyncio.Event()
        self._failure: Incomplete | None = None
        self.done: Done[Item] = Done()

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping.set()
        self.done.stopped = True

    async def run(self) -> Done[Item]:
        """Do all the work. Raises Incomplete where no server can be reached for too long, and what `keep` raises."""
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(self._keeping())
                async with asyncio.TaskGroup() as askers:
                    for _ in range(self._pace.concurrency * len(self._lanes)):
                        askers.create_task(self._asking())
                keeper.cancel()
        except BaseExceptionGroup as errors:  # of one cause: what failed first ended the others
            raise _first(errors) from None
        if self._failure is not None:
            raise self._failure
        return self.done

    async def _asking(self) -> None:
        for item in self._items:
            result = await self._until_answered(item)
            if result is not None:
                is_kept = asyncio.Event()
                self._results.put_nowait((item, result, is_kept))
                await is_kept.wait()
            if self._stopping.is_set():
                return

    async def _until_answered(self, item: Item) -> Result | None:
        tries = 0
        while not self._stopping.is_set():
            lane = await self._free_lane()
            if lane is None:
                return None
            lane.in_flight += 1
            try:
                result = await lane.ask(item)
            except Failed as error:
                tries += not error.is_unreachable
                if not await self._goes_on(item, lane, error, tries):
                    return None
            except Exception as error:  # one odd reply must not cost the others; it is listed
                await self._goes_on(item, lane, Failed(f"{type(error).__name__}: {error}", is_final=True), tries)
                return None
            else:
                lane.lost, lane.losses = None, 0
                return result
            finally:
                lane.in_flight -= 1
        return None

    async def _goes_on(self, item: Item, lane: Lane[Item, Result], error: Failed, tries: int) -> bool:
        """Whether an item is tried again after a failure, and if so, when the time for it has come."""
        self.done.failures += 1
        if error.ends_all:
            self._end(f"{lane.name} refuses every request: {error}")
            return False
        if error.is_final or tries >= self._pace.tries:
            self.done.given_up.append((item, str(error)))
            self._report(self.done)
            return False
        await self._back_off(lane, error, tries)
        return True

    def _end(self, reason: str) -> None:
        self._failure = Incomplete(f"{reason}; what came before is kept")
        self._stopping.set()

    async def _free_lane(self) -> Lane[Item, Result] | None:
        """The lane with the least in flight, of those that do not rest; None where the work is to stop."""
        while not self._stopping.is_set():
            now = time.monotonic()
            awake = [lane for lane in self._lanes if lane.resting <= now]
            if awake:
                return min(awake, key=lambda lane: lane.in_flight)
            await self._pause(min(lane.resting for lane in self._lanes) - now)
        return None

    async def _back_off(self, lane: Lane[Item, Result], error: Failed, tries: int) -> None:
        if not error.is_unreachable:
            await self._pause(error.wait if error.wait is not None else _wait(tries))
            return
        now = time.monotonic()
        lane.lost = now if lane.lost is None else lane.lost
        if lane.resting <= now:  # the first to notice says for how long it is left alone
            lane.losses += 1
            lane.resting = now + _wait(lane.losses)
        if all(one.lost is not None and now - one.lost > self._pace.patience for one in self._lanes):
            self._end(f"{error}: nothing came for {self._pace.patience:.0f} seconds")

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until the work is to stop."""
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._stopping.wait()
        except TimeoutError:
            pass

    async def _keeping(self) -> None:
        while True:
            batch = [await self._results.get()]
            await asyncio.sleep(GATHER_SECONDS)
            while not self._results.empty() and len(batch) < self._pace.batch:
                batch.append(self._results.get_nowait())
            self.done.kept += await asyncio.to_thread(self._keep, [(item, result) for item, result, _ in batch])
            for _, _, is_kept in batch:
                is_kept.set()
            self._report(self.done)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _wait(tries: int) -> float:
    """Seconds before the next try: doubled each time, and random in part, so that not all come back at once."""
    longest = min(FIRST_WAIT * 2.0**tries, LONGEST_WAIT)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - nothing secret hangs on it
