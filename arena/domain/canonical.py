"""Canonical bytes and digests: one way to write a value, so that one hash stands for it.

The form is RFC 8785 (JSON Canonicalization Scheme) restricted to objects with ASCII keys, arrays, strings, integers
below 2**53, booleans and null. Within that subset Python's `json` writes exactly the RFC's bytes, so a verifier needs
the standard library only. Fractions are written as decimal strings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TypeAlias

Json: TypeAlias = "Mapping[str, Json] | list[Json] | tuple[Json, ...] | str | int | bool | None"
"""A value of the restricted form."""

_LARGEST = 2**53


def canonical(value: Json) -> str:
    """Write `value` canonically. Raises TypeError or ValueError for what the restricted form cannot hold."""
    _check(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Json) -> str:
    """The SHA-256 of the canonical bytes of `value`, in hex."""
    return sha256(canonical(value))


def sha256(text: str) -> str:
    """The SHA-256 of `text` in UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def _check(value: Json) -> None:
    match value:
        case None | bool() | str():
            return
        case int():
            if abs(value) >= _LARGEST:
                raise ValueError(f"{value} is not below 2**53; write it as a string")
        case list() | tuple():
            for item in value:
                _check(item)
        case Mapping():
            for key, item in value.items():
                if not (isinstance(key, str) and key.isascii()):
                    raise TypeError(f"the key {key!r} is not ASCII text")
                _check(item)
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical form here")
