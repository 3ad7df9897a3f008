"""What is done ahead comes in order, some at the same time, and never much of it waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from neonpay.backup.ahead import ahead, in_order

MIB = 2**20


@pytest.mark.parametrize(("size", "most"), [(0, 8), (6 * MIB, 2), (100 * MIB, 1)])
def test_few_wait_and_all_come_in_order(size: int, most: int) -> None:
    given: list[int] = []

    def each() -> Iterator[int]:
        for number in range(50):
            given.append(number)
            yield number

    came: list[int] = []
    for one in in_order(lambda number: number * 2, each(), bytes_of=lambda _: size):
        came.append(one)
        assert len(given) - len(came) <= most
    assert came == [number * 2 for number in range(50)]


def test_two_are_done_at_the_same_time() -> None:
    together = threading.Barrier(2)
    done = list(in_order(lambda _: together.wait(timeout=30), range(2), bytes_of=lambda _: 1))
    assert sorted(done) == [0, 1]


def test_the_first_that_fails_is_told_after_those_before_it() -> None:
    came: list[int] = []

    def act(number: int) -> int:
        if number >= 3:
            raise ValueError(number)
        return number

    with pytest.raises(ValueError, match="3"):
        came.extend(in_order(act, range(10), bytes_of=lambda _: 1))
    assert came == [0, 1, 2]


def test_an_iterator_goes_on_in_a_thread_and_no_further_than_a_little() -> None:
    threads: set[int] = set()
    given: list[int] = []

    def each() -> Iterator[int]:
        for number in range(20):
            threads.add(threading.get_ident())
            given.append(number)
            yield number
        raise ValueError("at the end")

    came: list[int] = []

    def take() -> None:
        for one in ahead(each()):
            came.append(one)
            assert len(given) - len(came) <= 2

    with pytest.raises(ValueError, match="at the end"):
        take()
    assert came == list(range(20))
    assert threading.get_ident() not in threads
