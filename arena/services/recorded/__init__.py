"""Answers that other programs recorded, as our own exchange files hold them.

with read_recorded(path, name=path.name, origin="mt-bench", texts=None) as records:
    answers = parse_answers(records, name=records.name)
"""

from arena.services.recorded.formats import Origin
from arena.services.recorded.reading import Match, matched_by, read_recorded

__all__ = ["Match", "Origin", "matched_by", "read_recorded"]
