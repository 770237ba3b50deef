"""Check an exported ledger: `python verify_ledger.py FILE [HEAD]`. Standard library only; written from ledger.md."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

MEMBERS = {"v": int, "chain": str, "seq": int, "prev": str, "time": str, "kind": str, "actor": str, "payload": dict}
HEADER = {"format": str, "version": int, "chain": str, "study": str, "position": int, "head": str}


class Broken(Exception):
    """(position of the first bad entry or 0, what is wrong with it)"""


def verify(data: bytes, known: str = "") -> str:
    """Return the ledger's head, POSITION:HASH. Raises Broken."""
    *lines, rest = data.split(b"\n")
    position, hashes = 0, ["0" * 64]
    try:
        header = read(lines[0])
        need({name: type(value) for name, value in header.items()} == HEADER, "this is no header of a ledger")
        need((header["format"], header["version"]) == ("clinical-arena-ledger", 1), "the format is another")
        for position, line in enumerate(lines[1:], 1):
            fields = read(line)
            entry, parts = fields["entry"], fields.get("parts", {})
            need(fields.keys() <= {"entry", "hash", "parts"}, "the line has an unknown member")
            need({name: type(value) for name, value in entry.items()} == MEMBERS, "this is no entry")
            place = (1, header["chain"], position, hashes[-1])
            need((entry["v"], entry["chain"], entry["seq"], entry["prev"]) == place, "this is not its place")
            hashes.append(sha256(b"clinical-arena ledger v1\n" + canonical(entry)))
            need(fields["hash"] == hashes[-1], "its content does not match its hash")
            for name, part in parts.items():
                if name == "record":
                    need(sha256(canonical(part)) == entry["payload"]["digest"], "its record is another")
                else:
                    text = f"clinical-arena sealed v1\n{part['salt']}\n{part['text']}"
                    need(sha256(text.encode()) == entry["payload"]["sealed"][name], f"its {name} is another")
            if position == 1 and entry["payload"]["study"] != header["study"]:
                raise Broken(0, "the header names another study")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Broken(position, str(error)) from error
    if rest or position < header["position"]:
        raise Broken(position + 1, "it is cut off or missing")
    if (header["position"], header["head"]) != (position, hashes[-1]):
        raise Broken(position, "the header names another head")
    at, _, kept = known.rpartition(":")
    if known and kept not in (hashes[int(at) : int(at) + 1] if at else hashes):
        raise Broken(int(at or position), "the head that was kept is not there")
    return f"{position}:{hashes[-1]}"


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read(line: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(line.decode(), parse_float=whole, parse_int=whole)
    need(isinstance(value, dict) and canonical(value) == line, "the line is not canonical text")
    return value


def whole(digits: str) -> int:
    need(abs(int(digits)) < 2**53, f"{digits} is too large a number")
    return int(digits)


def need(condition: bool, reason: str) -> None:
    if not condition:
        raise ValueError(reason)


if __name__ == "__main__":
    try:
        sys.stdout.write(f"ok {verify(Path(sys.argv[1]).read_bytes(), *sys.argv[2:])}\n")
    except Broken as error:
        sys.exit("entry {}: {}".format(*error.args))
