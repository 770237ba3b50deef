"""A study's life as rules, the second part: raters take pairs, vote, vote again, and correct their votes."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from arena.domain.blinding import BlindMatchup
from arena.services import record, voting
from tests.reliability.record_material import SIDES, ballot, ballot_on, mostly, number, turns
from tests.reliability.record_model import Words, cleaned
from tests.reliability.record_study import StudyRules


class VotingRules(StudyRules):
    """What raters do."""

    @precondition(lambda self: self.seats)
    @rule(who=number, seed=number)
    def take(self, who: int, seed: int) -> None:
        self._take(self.pick(self.seats, who), seed)

    def _take(self, pseudonym: str, seed: int) -> str | None:
        """The token of the pair that the rater has then; None where there is none, or the rater was refused."""
        model, seat = self.model, self.seats[pseudonym]
        barred = model.bars_rater(pseudonym) or model.bars_state("open")
        given: list[BlindMatchup | None] = []
        self.does(barred, lambda: given.append(voting.next_matchup(self.db, seat, now=self.now, rng=Random(seed))))
        if not given:
            return None
        held, got = model.open_token(pseudonym), given[0]
        if held is None:
            model.release(self.now)
        if got is None:
            assert not model.left_for(pseudonym)
            assert held is None
            return None
        if held is None:
            self._check_given(pseudonym, got)
        assert held in (None, got.token)
        return got.token

    def _check_given(self, pseudonym: str, got: BlindMatchup) -> None:
        """A new pair is the least served of contenders that were least served or drawn; one let go is as it was."""
        model = self.model
        (question, a), (other, b) = SIDES[got.answer_a], SIDES[got.answer_b]
        assert (question, other) == (got.question.removesuffix("?"), question)
        pairing, left, taken = (question, frozenset((a, b))), model.left_for(pseudonym), model.taken()
        assert pairing in left
        if model.plan["pair_policy"] == "balanced":
            served = {names: sum(n for (_, pair), n in taken.items() if pair == names) for _, names in left}
            assert served[pairing[1]] == min(served.values())
        assert taken[pairing] == min(taken[one] for one in left if one[1] == pairing[1])
        earlier = [
            t for t, (who, q, sides) in model.shown.items() if who == pseudonym and (q, frozenset(sides)) == pairing
        ]
        assert earlier in ([], [got.token])
        assert model.shown.get(got.token, (pseudonym, question, (a, b))) == (pseudonym, question, (a, b))
        model.show(pseudonym, got.token, question, (a, b), self.now)

    @precondition(lambda self: self.seats)
    @rule(made=st.lists(turns, min_size=1, max_size=4))
    def take_and_vote(self, made: list[tuple[int, int, Words]]) -> None:
        for turn in made:
            self._turn(*turn)

    def _turn(self, who: int, seed: int, words: Words) -> None:
        pseudonym = self.pick(self.seats, who)
        token = self._take(pseudonym, seed)
        if token is not None:
            self._vote(pseudonym, token, words)

    @precondition(lambda self: self.model.shown)
    @rule(at=number, who=number, own=mostly, words=ballot)
    def vote_on_any(self, at: int, who: int, own: bool, words: Words) -> None:
        """On a pair that was shown at some time, or on none."""
        token = self.pick(self.model.shown, at) if at else "none"
        self._vote(self.model.shown[token][0] if own and at else self.pick(self.seats, who), token, words)

    @precondition(lambda self: any(vote.token for vote in self.model.votes.values()))
    @rule(at=number)
    def vote_again(self, at: int) -> None:
        vote = self.pick([vote for vote in self.model.votes.values() if vote.token], at)
        first = vote.said[0]
        self._vote(vote.rater, vote.token, (first.choice, first.reason, first.comment))

    def _vote(self, pseudonym: str, token: str, words: Words) -> None:
        model = self.model
        barred = model.bars_vote(pseudonym, token, words)
        receipt = self.does(
            barred, lambda: voting.cast_vote(self.db, self.seats[pseudonym], ballot_on(token, words), now=self.now)
        )
        if receipt is None:
            return
        earlier, given = model.voted_on(token), cleaned(words)
        assert given is not None
        if earlier is None:
            model.cast(token, given, self.now, receipt.hash)
            earlier = model.voted_on(token)
        assert earlier is not None
        assert (receipt.position, receipt.hash) == (earlier.seq, earlier.said[0].hash)

    @precondition(lambda self: self.model.shown)
    @rule(made=st.lists(st.tuples(number, number, mostly, ballot), min_size=1, max_size=3))
    def correct(self, made: list[tuple[int, int, bool, Words]]) -> None:
        for one in made:
            self._correct(*one)

    def _correct(self, at: int, who: int, own: bool, words: Words) -> None:
        model = self.model
        voted = [vote.token for vote in model.votes.values() if vote.token]
        token = self.pick([*voted, *voted, *voted, *model.shown], at)
        pseudonym = model.shown[token][0] if own else self.pick(self.seats, who)
        barred = model.bars_correction(pseudonym, token, words)
        receipt = self.does(
            barred, lambda: record.correct(self.db, self.seats[pseudonym], ballot_on(token, words), now=self.now)
        )
        vote, given = model.voted_on(token), cleaned(words)
        if receipt is None:
            return
        assert vote is not None
        assert given is not None
        last = vote.said[-1]
        if given != (last.choice, last.reason, model.comment(last)):
            model.correct(token, given, receipt.hash)
        assert (receipt.position, receipt.hash) == (vote.said[-1].seq, vote.said[-1].hash)
