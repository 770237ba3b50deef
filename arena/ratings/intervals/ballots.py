"""Votes as numbers of one kind, and their counts by group: what resampling and sandwich variances are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from arena.ratings.comparisons.coding import spans
from arena.ratings.comparisons.votes import B_WINS, TIE, Votes
from arena.ratings.intervals.sums import Groups, cells
from arena.ratings.models.model import Model

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Kinds = npt.NDArray[np.signedinteger[Any]]
Rows = npt.NDArray[np.bool_] | slice

EVERY = slice(None)


@dataclass(frozen=True)
class Ballots:
    """`kind`, (rows,), is winner · n + loser, or n² + low · n + high for a tie, of `contenders` n.

    A row stands for `copies`, (rows,), votes, each of `weight`, (rows,); None: 1.
    """

    kind: Kinds
    weight: FloatArray | None
    copies: IntArray | None
    contenders: int

    @classmethod
    def of(cls, votes: Votes) -> Ballots:
        """The votes of an encoded table."""
        n = len(votes.contenders)
        kind: Kinds = np.empty(len(votes.a), dtype=np.int32 if 2 * n * n < 2**31 else np.int64)
        for rows in spans(len(kind)):
            a, b, outcome = votes.a[rows], votes.b[rows], votes.outcome[rows]
            tied = outcome >= TIE
            turned = (a > b) & tied | (outcome == B_WINS)
            # Sums of products: choosing by a condition that nobody can guess takes five times as long.
            some = np.subtract(b, a, dtype=kind.dtype)
            some *= turned.astype(kind.dtype)
            some *= n - 1
            some += np.multiply(a, n, dtype=kind.dtype)
            some += b
            some += tied.astype(kind.dtype) * (n * n)
            kind[rows] = some
        if votes.is_counts and votes.weight is not None:
            return cls(kind, None, votes.weight.astype(np.int64), n)
        return cls(kind, votes.weight, None, n)

    @cached_property
    def sides(self) -> tuple[Kinds, Kinds]:
        """The contenders of each row: winner and loser, or the lower and the higher."""
        first, second = np.empty_like(self.kind), np.empty_like(self.kind)
        for rows in spans(len(self.kind)):
            first[rows], second[rows] = self.sides_in(rows)
        return first, second

    def sides_in(self, rows: slice | IntArray) -> tuple[Kinds, Kinds]:
        """The same of some rows."""
        n, kind = self.contenders, self.kind[rows]
        first = kind // n  # for a tie by n too large
        second = kind - first * n
        first -= (first >= n).astype(kind.dtype) * n
        return first, second

    @cached_property
    def mass(self) -> FloatArray | None:
        """What each row weighs in all, (rows,); None: 1."""
        if self.copies is None:
            return self.weight
        return self.copies.astype(np.float64) if self.weight is None else self.weight * self.copies

    @property
    def votes(self) -> int:
        """How many votes there are."""
        return len(self.kind) if self.copies is None else int(self.copies.sum())

    def chosen(self, rows: Rows) -> Ballots:
        """Some of the rows."""
        return self._cut(self.kind[rows], rows, self.contenders)

    def within(self, members: IntArray) -> tuple[Ballots, Rows]:
        """The votes among these contenders, (members,), which are numbered anew, and which rows they are."""
        n, m = self.contenders, len(members)
        if m == n:
            return self, EVERY
        place = np.full(n, -1)
        place[members] = np.arange(m)
        first, second = (place[side] for side in self.sides)
        rows = (first >= 0) & (second >= 0)
        kind = (first * m + second + (self.kind >= n * n) * (m * m))[rows]
        return self._cut(kind, rows, m), rows

    def _cut(self, kind: Kinds, rows: Rows, contenders: int) -> Ballots:
        weight = None if self.weight is None else self.weight[rows]
        return Ballots(kind, weight, None if self.copies is None else self.copies[rows], contenders)

    def by_kind(self, each: FloatArray | IntArray | None) -> tuple[FloatArray, FloatArray]:
        """Sums of `each`, (rows,), or numbers of rows, (n, n) each: of wins, row over column; of ties, low by high."""
        n = self.contenders
        if each is None:
            numbers = self._numbers.astype(np.float64).reshape(2, n, n)
            return numbers[0], numbers[1]
        sums = np.bincount(self.kind, each, 2 * n * n).astype(np.float64).reshape(2, n, n)
        return sums[0], sums[1]

    @cached_property
    def _numbers(self) -> IntArray:
        """How many rows there are of each kind, (2 · contenders²,)."""
        numbers = np.zeros(2 * self.contenders**2, dtype=np.int64)
        for rows in spans(len(self.kind)):
            np.add.at(numbers, self.kind[rows].astype(np.intp), np.int64(1))
        return numbers

    def counted(self, group: Groups, size: int, model: Model) -> csr_array[np.float64]:
        """The counts of each group of rows, (size, layers · n²), as the model takes them; `group` is below `size`."""
        if self.mass is not None:
            return self._weighed(group, size, model)
        width = model.layers * self.contenders**2
        at, halves = cells(partial(self._halves, model), group, size, width)
        column: Kinds = np.empty(len(at), dtype=np.int32 if width < 2**31 else np.int64)
        begins = np.zeros(size + 1, dtype=np.int64)
        for some in spans(len(at)):
            row = (at[some] // width).astype(np.int64)
            column[some] = at[some] - row * width
            np.add.at(begins, row + 1, 1)
        data: FloatArray = halves / 2.0
        return csr_array((data, column, np.cumsum(begins)), shape=(size, width))

    def _halves(self, model: Model, rows: slice | IntArray) -> list[tuple[Any, Any]]:
        """What each of these rows adds to its group's counts, in halves, as in `sums.Added`."""
        n, (first, second) = self.contenders, self.sides_in(rows)
        tied = (self.kind[rows] >= n * n).astype(self.kind.dtype)
        layer, whole = (0, 1) if model.layers == 1 else (tied * (n * n), 2)
        return [(first * n + second + layer, 2 - (2 - whole) * tied), (second * n + first + layer, whole * tied)]

    def _weighed(self, group: Groups, size: int, model: Model) -> csr_array[np.float64]:
        """The same of rows that weigh something else than 1."""
        n = self.contenders
        tied = self.kind >= n * n
        low, high = np.divmod(self.kind[tied] - n * n, n)
        mass = np.ones(len(self.kind)) if self.mass is None else self.mass
        share = mass[tied] / 2.0 if model.layers == 1 else mass[tied]
        layer = 0 if model.layers == 1 else n * n
        rows = np.concatenate([group[~tied], group[tied], group[tied]])
        columns = np.concatenate([self.kind[~tied], layer + low * n + high, layer + high * n + low])
        data = np.concatenate([mass[~tied], share, share])
        counts = csr_array((data, (rows, columns)), shape=(size, model.layers * n * n))
        counts.sum_duplicates()
        return counts
