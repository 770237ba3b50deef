"""Exchange files: reading, checking and writing JSON Lines, CSV and Parquet. Nothing here knows of a database.

with read_records(path, name=path.name) as records:
    votes = parse_votes(records, name=records.name, digest=records.digest)
"""

from arena.services.files.counts import parse_counts
from arena.services.files.parsing import each_vote, parse_answers, parse_questions, parse_votes
from arena.services.files.raw import Entry, FileFormat, Limits, RawRecord
from arena.services.files.reading import Records, format_by_ending, read_records
from arena.services.files.writing import write_records

__all__ = [
    "Entry",
    "FileFormat",
    "Limits",
    "RawRecord",
    "Records",
    "each_vote",
    "format_by_ending",
    "parse_answers",
    "parse_counts",
    "parse_questions",
    "parse_votes",
    "read_records",
    "write_records",
]
