"""Writers take turns in the order in which they came."""

from __future__ import annotations

import threading
import time

import pytest

from arena.store.engine import Turns

WRITERS = 20


def test_turns_are_given_in_the_order_of_asking() -> None:
    turns = Turns()
    order: list[int] = []

    def write(number: int) -> None:
        with turns:
            order.append(number)

    with turns:
        threads = []
        for number in range(WRITERS):
            threads.append(threading.Thread(target=write, args=(number,)))
            threads[-1].start()
            deadline = time.monotonic() + 10
            while len(turns._waiting) <= number and time.monotonic() < deadline:
                time.sleep(0)
        assert order == []
    for thread in threads:
        thread.join()
    assert order == list(range(WRITERS))


def test_an_error_gives_the_turn_on() -> None:
    turns = Turns()
    for _ in range(2):
        with pytest.raises(RuntimeError), turns:
            raise RuntimeError
    with turns:
        assert turns._is_taken
    assert not turns._is_taken


def test_one_at_a_time() -> None:
    turns = Turns()
    inside, most = 0, 0

    def write() -> None:
        nonlocal inside, most
        for _ in range(200):
            with turns:
                inside += 1
                most = max(most, inside)
                time.sleep(0)
                inside -= 1

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == (0, 1)


def test_whoever_is_interrupted_while_waiting_leaves_the_queue() -> None:
    turns = Turns()

    class Interrupted:
        """A lock whose second taking is interrupted."""

        taken = 0

        def acquire(self) -> None:
            self.taken += 1
            if self.taken == 2:
                raise KeyboardInterrupt

        def release(self) -> None:
            raise AssertionError("nobody waits here any more")

    with turns:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("arena.store.engine.threading.Lock", Interrupted)
            with pytest.raises(KeyboardInterrupt), turns:
                pass
        assert not turns._waiting
    with turns:
        pass


def test_whoever_is_interrupted_as_the_turn_comes_gives_it_on() -> None:
    turns = Turns()

    class Interrupted:
        """A lock that is let go and interrupted at once."""

        taken = 0

        def acquire(self) -> None:
            self.taken += 1
            if self.taken == 2:
                turns.__exit__()
                raise KeyboardInterrupt

        def release(self) -> None:
            """The turn is given."""

    turns.__enter__()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("arena.store.engine.threading.Lock", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            turns.__enter__()
    assert not turns._waiting
    assert not turns._is_taken
