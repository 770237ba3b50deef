"""Computed boards, kept in memory by study, ledger head and settings."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from starlette.exceptions import HTTPException

from arena.errors import ArenaError, BadInput, Conflict

T = TypeVar("T")

WAITING = 2
"""Requests that may wait while a board is computed."""
RETRY_SECONDS = 5


class Boards(Generic[T]):
    """The last boards that were asked for, and why there is none where the votes give none.

    One is computed at a time, so that many askers cannot take every core, and few wait for it, so that they cannot take
    every thread either: voting needs both. What is kept is given at once, also while another is computed.
    """

    def __init__(self, largest: int = 256) -> None:
        self._largest = largest
        self._kept: OrderedDict[Hashable, T | ArenaError] = OrderedDict()
        self._places = threading.Semaphore(1 + WAITING)
        self._computing = threading.Lock()
        self._looking = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The value kept under `key`, computed where there is none.

        Raises what `compute` raises, of which BadInput and Conflict are kept as well, and 503 where too many wait.
        """
        found = self._look_up(key)
        if found is None:
            if not self._places.acquire(blocking=False):
                message = f"Other leaderboards are being computed. Ask again in {RETRY_SECONDS} seconds."
                raise HTTPException(503, message, {"Retry-After": str(RETRY_SECONDS)})
            try:
                with self._computing:
                    found = self._look_up(key) or self._keep(key, _outcome(compute))
            finally:
                self._places.release()
        if isinstance(found, ArenaError):
            raise found.with_traceback(None)
        return found

    def _look_up(self, key: Hashable) -> T | ArenaError | None:
        with self._looking:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: Hashable, value: T | ArenaError) -> T | ArenaError:
        with self._looking:
            self._kept[key] = value
            if len(self._kept) > self._largest:
                self._kept.popitem(last=False)
            return value


def _outcome(compute: Callable[[], T]) -> T | ArenaError:
    try:
        return compute()
    except (BadInput, Conflict) as reason:
        return reason
