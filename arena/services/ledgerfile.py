"""Ledgers as files: JSON lines, a header and then one entry a line. docs/ledger.md is the specification."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from arena.domain import parts
from arena.domain.canonical import Json, canonical
from arena.domain.ledger import FORMAT_VERSION, GENESIS, Entry, Head, LedgerBroken, Linked, check_link
from arena.domain.parts import Parts
from arena.errors import BadInput
from arena.services.files import Limits

FORMAT = "clinical-arena-ledger"
LINE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Header:
    """The first line of a ledger file: which chain it is, of which study, and where it ends."""

    chain: str
    study: str
    head: Head

    def line(self) -> str:
        """The line without its newline."""
        fields: dict[str, Json] = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "chain": self.chain,
            "study": self.study,
            "position": self.head.position,
            "head": self.head.hash,
        }
        return canonical(fields)


@dataclass(frozen=True)
class FileEntry:
    """One checked line: the entry, its stored form, and the parts that came with it."""

    entry: Entry
    linked: Linked
    parts: Parts


def entry_line(linked: Linked, with_parts: dict[str, Json]) -> str:
    """The line of an entry, without its newline."""
    line: dict[str, Json] = {"entry": json.loads(linked.body), "hash": linked.hash}
    return canonical(line | ({"parts": with_parts} if with_parts else {}))


class LedgerFile:
    """A ledger file that is checked while it is read, entry by entry.

    Iterating raises LedgerBroken with the position of the first bad entry: an entry that is changed, missing, doubled
    or out of order, a part that its entry does not commit to, or an end that is not the header's.
    """

    def __init__(self, source: BinaryIO, name: str, *, limits: Limits | None = None) -> None:
        self._lines = _lines(source, name, limits)
        self.header = _header(next(self._lines, b""), name)

    def __iter__(self) -> Iterator[FileEntry]:
        head = Head(0, GENESIS)
        for line in self._lines:
            found = _entry(line, self.header.chain, head)
            if not head.position and found.entry.payload.get("study") != self.header.study:
                raise LedgerBroken(0, "the file's first line names another study than the first entry")
            head = Head(found.linked.seq, found.linked.hash)
            yield found
        if head.position < self.header.head.position:
            raise LedgerBroken(
                head.position + 1, f"it is missing; the file says it ends at {self.header.head.position}"
            )
        if head != self.header.head:
            raise LedgerBroken(head.position, "the file's first line names another head")


def _lines(source: BinaryIO, name: str, limits: Limits | None) -> Iterator[bytes]:
    position = size = 0
    while line := source.readline(LINE_BYTES + 1):
        size += len(line)
        if len(line) > LINE_BYTES:
            raise BadInput(f"{name}, line {position + 1}: longer than {LINE_BYTES:,} bytes; this is no ledger entry")
        if limits and (size > limits.file_bytes or position > limits.rows):
            raise BadInput(
                f"{name}, line {position + 1}: a ledger may have {limits.file_bytes:,} bytes and {limits.rows:,} "
                "entries; ARENA_IMPORT_FILE_BYTES and ARENA_IMPORT_ROWS allow more"
            )
        if not line.endswith(b"\n"):
            raise LedgerBroken(position, "the file is cut off: its last line has no end")
        yield line[:-1]
        position += 1


def _header(line: bytes, name: str) -> Header:
    fields = _object(line)
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise BadInput(f"{name}: is not a ledger; `arena export ledger` writes one")
    if fields.get("version") != FORMAT_VERSION:
        raise BadInput(f"{name}: has ledger version {fields.get('version')!r}; this arena reads {FORMAT_VERSION}")
    texts = [fields.get(name) for name in ("chain", "study", "head")]
    if all(isinstance(text, str) for text in texts) and type(fields.get("position")) is int:
        header = Header(fields["chain"], fields["study"], Head(fields["position"], fields["head"]))
        if _is_canonical(fields, line) and header.line() == line.decode():
            return header
    raise LedgerBroken(0, "the file's first line is not as it was written")


def _entry(line: bytes, chain: str, head: Head) -> FileEntry:
    position = head.position + 1
    fields = _object(line)
    if not isinstance(fields, dict) or not {"entry", "hash"} <= set(fields) <= {"entry", "hash", "parts"}:
        raise LedgerBroken(position, "its line is not JSON with an entry and its hash")
    hash_, with_parts = fields["hash"], fields.get("parts", {})
    if not isinstance(hash_, str) or not isinstance(with_parts, dict):
        raise LedgerBroken(position, "its line is not JSON with an entry and its hash")
    entry = check_link(fields["entry"], hash_, chain, head)
    if not _is_canonical(fields, line):
        raise LedgerBroken(position, "its line is not as it was written")
    parts.check(entry, with_parts)
    return FileEntry(entry, Linked(entry.seq, entry.kind, entry.body, hash_), with_parts)


def _object(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _is_canonical(fields: Any, line: bytes) -> bool:
    try:
        return canonical(fields).encode() == line
    except (TypeError, ValueError, RecursionError):
        return False


def write_lines(header: Header, lines: Iterable[str], target: BinaryIO) -> None:
    """Write a ledger file."""
    target.write(header.line().encode() + b"\n")
    for line in lines:
        target.write(line.encode() + b"\n")
