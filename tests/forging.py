"""Exported ledgers changed as their owner could change them: well hashed again, so that only a kept head tells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from arena.domain.ledger import GENESIS, entry_hash

Fields = dict[str, Any]


def cut(ledger: bytes, entries: int) -> bytes:
    """The first entries only, with a header that knows of no others."""
    header, *lines = map(json.loads, ledger.splitlines())
    return _written(header, lines[:entries])


def rewritten(ledger: bytes, first: int, change: Callable[[Fields], object]) -> bytes:
    """Entry `first` changed by `change`, and all from there on hashed anew."""
    header, *lines = map(json.loads, ledger.splitlines())
    change(lines[first - 1]["entry"])
    before = lines[first - 2]["hash"] if first > 1 else GENESIS
    for line in lines[first - 1 :]:
        line["entry"]["prev"] = before
        before = line["hash"] = entry_hash(_text(line["entry"]))
    return _written(header, lines)


def without_parts(ledger: bytes) -> bytes:
    """The same entries without the texts beside them."""
    header, *lines = map(json.loads, ledger.splitlines())
    return _written(header, [{"entry": line["entry"], "hash": line["hash"]} for line in lines])


def another_vote(entry: Fields) -> None:
    """Make a vote one for the other side."""
    entry["payload"] |= {
        "choice": "b_better" if entry["payload"]["choice"] == "a_better" else "a_better",
        "reason": None,
    }


def votes_in(ledger: bytes) -> list[int]:
    """The positions of the votes."""
    entries = [json.loads(line)["entry"] for line in ledger.splitlines()[1:]]
    return [entry["seq"] for entry in entries if entry["kind"] == "vote"]


def _written(header: Fields, lines: Iterable[Fields]) -> bytes:
    lines = list(lines)
    header = header | {"position": len(lines), "head": lines[-1]["hash"]}
    return "".join(_text(line) + "\n" for line in [header, *lines]).encode()


def _text(value: Fields) -> str:
    """As the canonical form, of what that would refuse too."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
