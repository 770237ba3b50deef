"""Computed boards, kept in memory by study, ledger head and settings."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Boards(Generic[T]):
    """The last boards that were asked for. One is computed at a time, so that many askers cannot take every core."""

    def __init__(self, largest: int = 64) -> None:
        self._largest = largest
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._computing = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The value kept under `key`, computed where there is none. An exception of `compute` keeps nothing."""
        with self._computing:
            if key not in self._kept:
                self._kept[key] = compute()
                if len(self._kept) > self._largest:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]
