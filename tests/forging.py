"""Exported ledgers changed as their owner could change them, well hashed again; and the two that judge a ledger."""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from arena.domain.ledger import GENESIS, LedgerBroken, entry_hash, read_head
from arena.errors import BadInput
from arena.services.audit import audit_file

Fields = dict[str, Any]


def second_verifier() -> ModuleType:
    """docs/verify_ledger.py, loaded by itself."""
    path = Path(__file__).parent.parent / "docs" / "verify_ledger.py"
    spec = importlib.util.spec_from_file_location("verify_ledger", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_audit(data: bytes, head: str = "") -> tuple[int | None, str]:
    """The first bad entry by our own audit (0: none in particular), or None and the head."""
    try:
        found = audit_file(io.BytesIO(data), "file", head=read_head(head) if head else None).head
    except LedgerBroken as error:
        return error.position, ""
    except BadInput:
        return 0, ""
    return None, f"{found.position}:{found.hash}"


def by_document(verifier: ModuleType, data: bytes, head: str = "") -> tuple[int | None, str]:
    """The same by the second verifier."""
    try:
        return None, verifier.verify(data, head)
    except verifier.Broken as error:
        return error.args[0], ""


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
