"""Writes results in the background while the network goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar('Item')
Outcome = TypeVar('Outcome')


class WriteQueue(Generic[Item, Outcome]):
    """Does one job after another in a thread, in the order of :meth:`put`.

    A thread, as encoding pictures and the network's own arithmetic both let
    other threads run, and nothing has to be copied to it. Used as a context:
    at its end all jobs are done, also after an error outside. A job that
    raises is the last one; those that wait behind it are not begun.

    Args:
        write (Callable): The job: takes an item and what was found in it.

    Example:
        >>> with WriteQueue(write) as queue:
        ...     for image, cells in found:
        ...         queue.put(image, cells)
        ...         for image, outcome in queue.done(most_waiting=4):
        ...             print(image, outcome)
        ...     for image, outcome in queue.done():
        ...         print(image, outcome)
    """

    def __init__(self, write: Callable[..., Outcome]) -> None:
        self._write = write
        self._has_failed = False
        self._waiting: deque[tuple[Item, Future[Outcome]]] = deque()

    def __enter__(self) -> WriteQueue[Item, Outcome]:
        self._pool = ThreadPoolExecutor(1, 'write_results')
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True)

    def put(self, item: Item, *found: object) -> None:
        """Have a job done.

        Args:
            item (Item): What it is about.
            *found: What the job takes besides.
        """
        future = self._pool.submit(self._do, item, *found)
        self._waiting.append((item, future))

    def done(self, most_waiting: int = 0) -> Iterator[tuple[Item, Outcome]]:
        """Give what is done, and wait while there is too much that is not.

        Args:
            most_waiting (int): Jobs that may be left. Defaults to 0.

        Yields:
            tuple[Item, Outcome]: Each item and what the job returned, in
            the order of :meth:`put`. What a job raised is raised here.
        """
        while self._waiting:
            item, future = self._waiting[0]
            if len(self._waiting) <= most_waiting and not future.done():
                return
            self._waiting.popleft()
            yield item, future.result()

    def _do(self, item: Item, *found: object) -> Outcome:
        if self._has_failed:
            raise CancelledError
        try:
            return self._write(item, *found)
        except BaseException:
            self._has_failed = True
            raise
