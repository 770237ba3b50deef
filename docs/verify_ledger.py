"""Check an exported ledger: `python verify_ledger.py FILE [HEAD]`. Standard library only; written from ledger.md."""

import hashlib
import sys
from json import dumps, loads
from pathlib import Path
from typing import Any


class Broken(Exception):
    """(position of the first bad entry or 0, what is wrong with it)"""


def verify(data: bytes, known: str = "") -> str:
    """Return the ledger's head, POSITION:HASH. Each line is made anew and must come out as it is. Raises Broken."""
    lines, position, hashes = data.splitlines(keepends=True), 0, ["0" * 64]
    try:
        header = typed(read(lines[0]), chain=str, study=str, position=int, head=str)
        made = header | {"format": "clinical-arena-ledger", "version": 1}
        must(lines[0] == canonical(made) + b"\n", 0, "this is no header")
        for position, line in enumerate(lines[1:], 1):
            fields = read(line)
            place = {"v": 1, "chain": header["chain"], "seq": position, "prev": hashes[-1]}
            entry = place | typed(fields["entry"], time=str, kind=str, actor=str, payload=dict)
            hashes.append(sha256(b"clinical-arena ledger v1\n" + canonical(entry)))
            made, payload = {"entry": entry, "hash": hashes[-1]}, entry["payload"]
            if "parts" in fields:
                made["parts"] = {name: part for name, part in fields["parts"].items() if is_part(part, name, payload)}
            must(line == canonical(made) + b"\n", position, "it is not as it was written, or not in its place")
            must(position > 1 or payload.get("study") == header["study"], 0, "the header names another study")
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Broken(position, "it is not as it was written") from error
    end, head = header["position"], header["head"]
    must((end, head) == (position, hashes[-1]), position + (position < end), "it is missing, or not as the header says")
    at, _, kept = known.rpartition(":")
    must(not known or kept in (hashes[int(at) :][:1] if at else hashes), int(at or position), "the kept head is gone")
    return f"{position}:{hashes[-1]}"


def is_part(part: dict[str, Any], name: str, payload: dict[str, Any]) -> bool:
    """Whether the payload commits to it: to a record by its digest, to a text under its salt by their seal."""
    if name == "record":
        said = {"question": part.get("id"), **part, "digest": sha256(canonical(part))}
        return "digest" in payload and all(said.get(key, value) == value for key, value in payload.items())
    sealed = "\n".join(["clinical-arena sealed v1", part["salt"], part["text"]])
    return len(part) == 2 and sha256(sealed.encode()) == str(payload["sealed"][name])


def read(line: bytes) -> Any:
    """The value of a line; a number or an object that the canonical form does not have turns into another value."""

    def plain(fields: dict[str, Any]) -> dict[str, Any] | None:
        return fields if "".join(fields).isascii() else None

    return loads(line, parse_float=int, parse_int=lambda text: min(int(text), 2**53 - 1, key=abs), object_hook=plain)


def typed(fields: dict[str, Any], **kinds: Any) -> dict[str, Any]:
    """The members that there must be, each turned into the kind that it must have."""
    return {name: kind(fields[name]) for name, kind in kinds.items()}


def canonical(value: object) -> bytes:
    return dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def must(condition: bool, position: int, reason: str) -> None:
    if not condition:
        raise Broken(position, reason)


if __name__ == "__main__":
    try:
        sys.stdout.write(f"ok {verify(Path(sys.argv[1]).read_bytes(), *sys.argv[2:])}\n")
    except (Broken, IndexError, OSError, ValueError) as error:
        sys.exit("entry {}: {}".format(*error.args) if isinstance(error, Broken) else f"{__doc__} ({error})")
