"""How long a test runs: short in `make test`, long in `make reliability`."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

IS_LONG = os.environ.get("ARENA_TESTS") == "long"


def scaled(short: T, long: T) -> T:
    """`long` where ARENA_TESTS=long is set, else `short`."""
    return long if IS_LONG else short
