"""Computed boards, kept in memory by study, ledger head and settings."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Boards(Generic[T]):
    """The last boards that were asked for. One is computed at a time, so that many askers cannot take every core.

    What is kept is given at once, also while another is computed.
    """

    def __init__(self, largest: int = 64) -> None:
        self._largest = largest
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._computing = threading.Lock()
        self._looking = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The value kept under `key`, computed where there is none. An exception of `compute` keeps nothing."""
        found = self._look_up(key)
        if found is None:
            with self._computing:
                found = self._look_up(key) or self._keep(key, compute())
        return found

    def _look_up(self, key: Hashable) -> T | None:
        with self._looking:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: Hashable, value: T) -> T:
        with self._looking:
            self._kept[key] = value
            if len(self._kept) > self._largest:
                self._kept.popitem(last=False)
            return value
