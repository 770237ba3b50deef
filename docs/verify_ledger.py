"""Check an exported ledger: `python verify_ledger.py FILE [HEAD]`. Standard library only; written from ledger.md."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

HEADER = {"chain": str, "study": str, "position": int, "head": str}
ENTRY = {"time": str, "kind": str, "actor": str, "payload": dict}
LARGEST = 2**53 - 1


class Broken(Exception):
    """(position of the first bad entry or 0, what is wrong with it)"""


def verify(data: bytes, known: str = "") -> str:
    """Return the ledger's head, POSITION:HASH. Each line is made anew and must come out as it is. Raises Broken."""
    *lines, rest = data.split(b"\n")
    position, hashes = 0, ["0" * 64]
    try:
        header = members(read(lines[0]), HEADER)
        must(lines[0] == canonical({"format": "clinical-arena-ledger", "version": 1, **header}), 0, "this is no header")
        for position, line in enumerate(lines[1:], 1):
            fields = read(line)
            place = {"v": 1, "chain": header["chain"], "seq": position, "prev": hashes[-1]}
            entry, parts = place | members(fields["entry"], ENTRY), fields.get("parts", {})
            hashes.append(sha256(b"clinical-arena ledger v1\n" + canonical(entry)))
            made = {"entry": entry, "hash": hashes[-1]} | ({"parts": parts} if "parts" in fields else {})
            must(line == canonical(made), position, "it is not as it was written, or not in its place")
            for name, part in parts.items():
                must(is_part(part, name, entry["payload"]), position, f"its {name} is not what it commits to")
            must(position > 1 or entry["payload"]["study"] == header["study"], 0, "the header names another study")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Broken(position, "it is not as it was written") from error
    must(not rest and position >= header["position"], position + 1, "it is cut off or missing")
    must((header["position"], header["head"]) == (position, hashes[-1]), position, "the header names another head")
    at, _, kept = known.rpartition(":")
    is_kept = not known or kept in (hashes[int(at) : int(at) + 1] if at else hashes)
    must(is_kept, int(at or position), "the head that was kept is not there")
    return f"{position}:{hashes[-1]}"


def is_part(part: dict[str, Any], name: str, payload: dict[str, Any]) -> bool:
    """Whether the payload commits to it: to a record by its digest, to a text under its salt by their seal."""
    if name == "record":
        said = {"question": part.get("id"), **part}
        return sha256(canonical(part)) == payload["digest"] and all(said.get(n, v) == v for n, v in payload.items())
    sealed = "\n".join(["clinical-arena sealed v1", part["salt"], part["text"]])
    return len(part) == 2 and sha256(sealed.encode()) == str(payload["sealed"][name])


def read(line: bytes) -> Any:
    """The value of a line; a number or a key that the canonical form does not have turns into another."""

    def whole(digits: str) -> int:
        return max(-LARGEST, min(int(digits), LARGEST))

    def plain(fields: dict[str, Any]) -> dict[str, Any]:
        return {key.encode("ascii", "replace").decode(): value for key, value in fields.items()}

    return json.loads(line, parse_int=whole, parse_float=int, object_hook=plain)


def members(fields: dict[str, Any], kinds: dict[str, Any]) -> dict[str, Any]:
    """The members that there must be, each turned into the kind that it must have."""
    return {name: kind(fields[name]) for name, kind in kinds.items()}


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def must(condition: bool, position: int, reason: str) -> None:
    if not condition:
        raise Broken(position, reason)


if __name__ == "__main__":
    try:
        sys.stdout.write(f"ok {verify(Path(sys.argv[1]).read_bytes(), *sys.argv[2:])}\n")
    except Broken as error:
        sys.exit("entry {}: {}".format(*error.args))
    except (IndexError, OSError) as error:
        sys.exit(f"usage: python verify_ledger.py FILE [HEAD] ({error})")
