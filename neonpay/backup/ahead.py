"""What takes the processor is done in threads, ahead of whoever waits for it, and comes in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")

THREADS: Final = 2
_AHEAD: Final = 2
_END: Final = object()
_MOST_WAITING: Final = 8
_MOST_BYTES: Final = 16 * 2**20


def ahead(each: Iterator[T]) -> Iterator[T]:
    """What an iterator gives, which goes on in a thread meanwhile; few wait, so that memory is flat.

    Raises:
        Exception: what the iterator has raised, once all that it gave before has come.
    """
    waiting: deque[Future[T | object]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="neonpay-backup-read") as pool:
        try:
            waiting.extend(pool.submit(next, each, _END) for _ in range(_AHEAD))
            while (found := waiting.popleft().result()) is not _END:
                waiting.append(pool.submit(next, each, _END))
                yield cast("T", found)
        finally:
            for future in waiting:
                future.cancel()


def in_order(act: Callable[[T], R], each: Iterable[T], *, bytes_of: Callable[[T], int]) -> Iterator[R]:
    """What an act returns for each, in order; some are done at the same time, and few wait, so that memory is flat.

    Args:
        bytes_of: how much memory one of them takes. Those that wait take 16 MB at most, or are a single one.

    Raises:
        Exception: what the act has raised for the first of them that it has raised for.
    """
    waiting: deque[tuple[int, Future[R]]] = deque()
    total = 0
    with ThreadPoolExecutor(THREADS, thread_name_prefix="neonpay-backup") as pool:
        try:
            for one in each:
                size = bytes_of(one)
                while waiting and (total + size > _MOST_BYTES or len(waiting) >= _MOST_WAITING):
                    done, future = waiting.popleft()
                    yield future.result()
                    total -= done
                waiting.append((size, pool.submit(act, one)))
                total += size
            while waiting:
                yield waiting.popleft()[1].result()
        finally:
            for _, future in waiting:
                future.cancel()
