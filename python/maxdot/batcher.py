"""Batcher: many callers with a query at a time, answered in batches. For threads, and for asyncio."""

from __future__ import annotations

from operator import index as as_integer
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, overload

import numpy.typing as npt

from maxdot import _core
from maxdot.arrays import engine_of, host
from maxdot.id_lists import IdLists
from maxdot.index import Index
from maxdot.live_index import LiveIndex
from maxdot.metric import MetricName
from maxdot.search_arguments import filter_arguments
from maxdot.searchable import Ids, Keys, Scores, ScoreType

if TYPE_CHECKING:  # imported where a loop runs: it would slow down the start of every other program
    from asyncio import AbstractEventLoop, Future


class Batcher:
    """Gathers the requests of many threads or tasks into batches, which cost much less than single queries.

    >>> batcher = maxdot.Batcher(index)
    >>> ids, scores = batcher.search(user, 10)                  # in each thread of a server
    >>> ids, scores = await batcher.search_async(user, 10)      # in each task of an event loop

    There is no timer: whatever has come while a batch was searched is the next one, so a lone caller does not
    wait for others. Answers are bit for bit those of `Index.search`. Any number of threads, and of event loops,
    may use one Batcher. A child after fork must make its own. As a context manager it is closed at the end of the
    block.
    """

    __slots__ = ("__weakref__", "_engine", "_loops")

    _engine: _core.Batcher | None
    _loops: dict[AbstractEventLoop, _Loop]

    def __init__(
        self,
        index: Index | LiveIndex,
        *,
        most_batch_queries: int = 256,
        most_waiting_queries: int = 4096,
        threads: int = 0,
    ) -> None:
        """Answers requests from `index`, which may be closed afterwards.

        Args:
            index: what is asked, until `replace` names another. Of a `LiveIndex` it is the newest version that
                there is when a batch begins; its folder stays open until the Batcher is closed, and requests must
                not have an `item_mask`, which is of one version.
            most_batch_queries: queries that are searched at once, at most, 1 to 65,536; a request of more is
                searched alone.
            most_waiting_queries: queries that wait, at most, those under way not counted. A request that would
                make more is refused with `OverloadedError` at once.
            threads: threads of a batch; 0 = every core that this process may use.

        Raises:
            ValueError: a number outside its range, closed index.
            TypeError: `index` is neither a `maxdot.Index` nor a `maxdot.LiveIndex`, or a number no integer.
        """
        for name, value in (
            ("most_batch_queries", most_batch_queries),
            ("most_waiting_queries", most_waiting_queries),
        ):
            if as_integer(value) < 1:
                raise ValueError(f"{name}: {value} is not at least 1")
        asked = index._open_engine() if isinstance(index, LiveIndex) else engine_of(index)
        self._engine = _core.Batcher(asked, most_batch_queries, most_waiting_queries, threads)
        self._loops = {}

    @overload
    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        *,
        metric: MetricName | None = None,
        scores: Literal["f32"] = "f32",
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> tuple[Ids, Scores]: ...

    @overload
    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        *,
        metric: MetricName | None = None,
        scores: Literal["f64", "keys"],
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> tuple[Ids, Keys]: ...

    def search(
        self,
        queries: Any,
        k: SupportsIndex,
        *,
        metric: MetricName | None = None,
        scores: ScoreType = "f32",
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> Any:
        """`Index.search`, in a batch with the requests of others. Waits for the answer without the GIL.

        Args:
            queries, k, metric, scores, exclude, allow, item_mask: as in `Index.search`. Requests share a search if
                they have the same mask: pass one array, not copies of it, and do not change it meanwhile.
            timeout: seconds, above 0. A request whose search has not begun by then ends with TimeoutError. None:
                it waits as long as it takes. (Ctrl-C is noticed when the answer has come.)

        Returns:
            ids (int64) and scores (float32), shape [m, k], or [k] for one query of shape [d].

        Raises:
            ValueError, TypeError, MemoryError: as `Index.search`; others never get the errors of a request.
            OverloadedError: too many queries wait.
            TimeoutError: its search did not begin in time.
            RuntimeError: the Batcher is that of a process which forked this one.
        """
        return self._open_engine().search(*_request(queries, k, metric, scores, exclude, allow, item_mask, timeout))

    @overload
    async def search_async(
        self,
        queries: Any,
        k: SupportsIndex,
        *,
        metric: MetricName | None = None,
        scores: Literal["f32"] = "f32",
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> tuple[Ids, Scores]: ...

    @overload
    async def search_async(
        self,
        queries: Any,
        k: SupportsIndex,
        *,
        metric: MetricName | None = None,
        scores: Literal["f64", "keys"],
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> tuple[Ids, Keys]: ...

    async def search_async(
        self,
        queries: Any,
        k: SupportsIndex,
        *,
        metric: MetricName | None = None,
        scores: ScoreType = "f32",
        exclude: IdLists | None = None,
        allow: IdLists | None = None,
        item_mask: npt.ArrayLike | None = None,
        timeout: float | None = None,
    ) -> Any:
        """`search` for a task: other tasks of the event loop run while it waits.

        The queries are copied. A task may be cancelled while it waits; its request is then searched for nobody.

        Args, Returns, Raises: as `search`. RuntimeError if no event loop runs.
        """
        from asyncio import get_running_loop

        engine = self._open_engine()
        request = _request(queries, k, metric, scores, exclude, allow, item_mask, timeout)
        return await self._of_loop(engine, get_running_loop()).ask(engine, request)

    def replace(self, index: Index) -> None:
        """From now on requests are asked of `index`, which may have another dimension, and may be closed afterwards.

        Requests that have come before get the answers of the index before, which lives until the last of them is
        answered.

        Raises:
            ValueError: closed index, closed Batcher.
            TypeError: `index` is no `maxdot.Index`.
        """
        self._open_engine().replace(engine_of(index))

    def stats(self) -> dict[str, int]:
        """What it has done since it was made, as a dictionary.

        Returns:
            "requests" (answered, with results or an error) and their "queries"; "batches" (searches that answered
            them), "largest_batch" (queries); requests that were refused, "overloaded", or late, "timeouts";
            "waiting_queries" (now).
        """
        return self._open_engine().stats()

    def close(self) -> None:
        """Takes no more requests. Waits until what tasks have asked is answered; they still get their answers.

        Threads that wait in `search` go on and get theirs. May be called twice.
        """
        self._engine = None

    def __enter__(self) -> Batcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open_engine(self) -> _core.Batcher:
        engine = self._engine
        if engine is None:
            raise ValueError("batcher: it is closed; make another one")
        return engine

    def _of_loop(self, engine: _core.Batcher, loop: AbstractEventLoop) -> _Loop:
        known = self._loops.get(loop)
        if known is None:
            for other in list(self._loops):
                if other.is_closed():
                    self._loops.pop(other, None)
            known = self._loops[loop] = _Loop(engine, loop)
        return known


class _Loop:
    """What the tasks of one event loop wait for. For that loop's thread alone."""

    __slots__ = ("_answers", "_loop", "_ticket", "_waiting")

    def __init__(self, engine: _core.Batcher, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._answers = engine.answers()
        self._waiting: dict[int, Future[Any]] = {}
        self._ticket = 0

    def ask(self, engine: _core.Batcher, request: tuple[Any, ...]) -> Future[Any]:
        """The loop watches for answers only while a task waits: nothing is left to be undone when it ends."""
        future: Future[Any] = self._loop.create_future()
        if not self._waiting:
            self._loop.add_reader(self._answers.descriptor, self._deliver)
        self._ticket += 1
        ticket = self._ticket
        self._waiting[ticket] = future  # before it is asked: Ctrl-C may come between the two
        try:
            engine.submit(self._answers, ticket, *request)
        except BaseException:
            del self._waiting[ticket]
            self._rest()
            raise
        return future

    def _deliver(self) -> None:
        for ticket, value in self._answers.take():
            future = self._waiting.pop(ticket, None)
            if future is None or future.done():  # its task was interrupted or cancelled
                continue
            if isinstance(value, BaseException):
                future.set_exception(value)
            else:
                future.set_result(value)
        self._rest()

    def _rest(self) -> None:
        if not self._waiting:
            self._loop.remove_reader(self._answers.descriptor)


def _request(
    queries: Any,
    k: SupportsIndex,
    metric: MetricName | None,
    scores: ScoreType,
    exclude: IdLists | None,
    allow: IdLists | None,
    item_mask: npt.ArrayLike | None,
    timeout: float | None,
) -> tuple[Any, ...]:
    """The arguments of a search as the extension module takes them."""
    queries = host(queries)
    filters = filter_arguments(exclude, allow, item_mask, getattr(queries, "ndim", 2) == 1)
    return (queries, k, metric, scores, *filters, timeout)
