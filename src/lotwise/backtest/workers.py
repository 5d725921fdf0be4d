"""Where a sweep is played: threads of this process, processes of this machine, or a Ray cluster.

Compiled runs hold no lock of Python, so threads are the usual choice; processes help where a strategy's
own Python takes the time. All of them read the same bars: threads from memory, processes from one file
that is mapped and not read, a cluster from Ray's store. Where a case is played changes nothing that comes
out.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from multiprocessing import get_context
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from lotwise.backtest.sweep import Feed, Sweep
from lotwise.backtest.sweep_row import Outcome
from lotwise.errors import InputError, LotwiseError
from lotwise.kernel.layout import dtype_of
from lotwise.kernel.portfolio_rows import FeedRow

CHUNK: Final = 50
"""Cases that are handed to a worker, and kept, at a time."""
MOST_WORKERS: Final = 4_096
TRIES: Final = 3
"""Workers killed so often in a row, without a chunk finished between, end the run."""
AHEAD: Final = 2
"""Chunks that wait for each worker."""

Numbers = Sequence[int]
Done = Callable[[int, list[Outcome]], None]


@dataclass(frozen=True)
class Workers:
    """``threads``, ``processes`` or ``ray``, and how many; 0: one a core, of Ray all that the cluster has."""

    where: str = "threads"
    count: int = 0

    def __post_init__(self) -> None:
        if self.where not in PLACES or not 0 <= self.count <= MOST_WORKERS:
            raise InputError(
                "BACKTEST-308",
                f"{self.count} workers at {self.where!r}",
                f"0 to {MOST_WORKERS:,} of {', '.join(PLACES)}",
            )

    @property
    def many(self) -> int:
        """How many."""
        return self.count or os.cpu_count() or 1


def read_workers(text: str) -> Workers:
    """``2``, ``threads``, ``processes:4``, ``ray``, ``ray:8``.

    Raises
    ------
    InputError
        BACKTEST-308.
    """
    where, _, count = text.strip().partition(":")
    if where.isascii() and where.isdigit() and not count:
        where, count = "threads", where
    if where not in PLACES or (count and not (count.isascii() and count.isdigit() and len(count) < 6)):
        raise InputError(
            "BACKTEST-308",
            f"workers are {text[:40]!r}",
            "a number of threads (2), threads, processes:4, ray or ray:8",
        )
    return Workers(where, int(count or 0))


def chunks_of(numbers: Numbers, size: int = CHUNK) -> list[Numbers]:
    """Cases in their order, so many at a time."""
    return [numbers[first : first + size] for first in range(0, len(numbers), size)]


def played(sweep: Sweep, workers: Workers | None = None, numbers: Numbers | None = None) -> list[Outcome]:
    """Play all cases, or those that are named; outcomes in their order.

    Raises
    ------
    InputError
        BACKTEST-309 Ray is not installed.
    LotwiseError
        BACKTEST-310 workers were killed again and again.
    """
    chunks = chunks_of(range(len(sweep)) if numbers is None else numbers)
    found: dict[int, list[Outcome]] = {}
    play_chunks(sweep, chunks, workers or Workers(), found.__setitem__)
    return [outcome for number in range(len(chunks)) for outcome in found[number]]


def play_chunks(sweep: Sweep, chunks: Sequence[Numbers], workers: Workers, done: Done) -> None:
    """Play chunks, and hand over each as it is finished, in whatever order, in this thread.

    Raises
    ------
    InputError
        BACKTEST-309.
    LotwiseError
        BACKTEST-310.
    """
    if chunks:
        PLACES[workers.where](sweep, chunks, workers.many if workers.where != "ray" else workers.count, done)


def _by_threads(sweep: Sweep, chunks: Sequence[Numbers], count: int, done: Done) -> None:
    if count == 1:
        for number, chunk in enumerate(chunks):
            done(number, sweep.play_all(chunk))
        return
    sweep.ground(sweep.case(chunks[0][0]))  # loads the compiled rules once
    with ThreadPoolExecutor(count) as threads:
        left = _handed(threads, sweep.play_all, chunks, count)
        for number, future in left:
            done(number, future.result())


def _handed(
    pool: ThreadPoolExecutor | ProcessPoolExecutor,
    play: Callable[[Numbers], list[Outcome]],
    chunks: Sequence[Numbers],
    count: int,
) -> Iterator[tuple[int, Future[list[Outcome]]]]:
    """Chunks as they are finished; few wait, so that an end by Ctrl-C comes soon."""
    waiting: dict[Future[list[Outcome]], int] = {}
    coming = iter(enumerate(chunks))
    try:
        while True:
            for number, chunk in coming:
                waiting[pool.submit(play, chunk)] = number
                if len(waiting) >= AHEAD * count:
                    break
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(future), future
    finally:
        for future in waiting:
            future.cancel()


# -- processes -------------------------------------------------------------------------------------

_MINE: dict[str, Any] = {}
"""The sweep of a worker process."""


def _by_processes(sweep: Sweep, chunks: Sequence[Numbers], count: int, done: Done) -> None:
    """A killed worker breaks the pool: what it did not hand over is given to a fresh one."""
    left, broken = list(range(len(chunks))), 0
    with tempfile.TemporaryDirectory(prefix="lotwise-sweep-") as folder:
        told = (_without_rows(sweep), _written(sweep, Path(folder)))
        while left:
            finished: set[int] = set()
            try:
                pool = ProcessPoolExecutor(min(count, len(left)), get_context("spawn"), _begin, told)
                with pool as processes:
                    some = [chunks[number] for number in left]
                    for at, future in _handed(processes, _play_mine, some, count):
                        outcomes = future.result()
                        finished.add(left[at])
                        done(left[at], outcomes)
            except BrokenProcessPool:
                broken = 0 if finished else broken + 1
                if broken == TRIES:
                    raise lost(TRIES) from None
            left = [number for number in left if number not in finished]


def lost(times: int) -> LotwiseError:
    """The error of workers that do not stay alive."""
    return LotwiseError(
        "BACKTEST-310",
        f"workers were killed {times} times, and nothing was finished between",
        "give fewer workers, they may want more memory than there is; what was finished is kept",
    )


@dataclass(frozen=True)
class FromFile:
    """A strategy of a file that workers cannot import by name."""

    path: str
    module: str
    name: str

    def loaded(self) -> Any:
        """The class."""
        spec = spec_from_file_location(self.module, self.path)
        assert spec is not None  # it was loaded from there before
        assert spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[self.module] = module
        spec.loader.exec_module(module)
        return attrgetter(self.name)(module)


def sent(strategy: Any) -> Any:
    """A strategy as it can be sent: by its name, or where no import finds that, by its file."""
    module = sys.modules.get(strategy.__module__)
    path = getattr(module, "__file__", None)
    if path is None or PathFinder.find_spec(strategy.__module__.partition(".")[0]) is not None:
        return strategy
    return FromFile(str(Path(path).absolute()), strategy.__module__, strategy.__qualname__)


def _without_rows(sweep: Sweep) -> Sweep:
    """A sweep to be sent: the bars go another way."""
    import numpy as np

    made = object.__new__(Sweep)
    found = sent(sweep.strategy)
    empty = tuple(replace(feed, rows=np.zeros(0, feed.rows.dtype)) for feed in sweep.feeds)
    made.__setstate__(sweep.__getstate__() | {"feeds": empty, "strategy": found})
    return made


def _with_rows(sweep: Sweep, rows: Sequence[Any]) -> Sweep:
    state = sweep.__getstate__()
    if isinstance(state["strategy"], FromFile):
        state["strategy"] = state["strategy"].loaded()
    feeds = tuple(Feed(feed.contracts, own) for feed, own in zip(sweep.feeds, rows, strict=True))
    made = object.__new__(Sweep)
    made.__setstate__(state | {"feeds": feeds})
    return made


def _written(sweep: Sweep, folder: Path) -> list[str]:
    """The bars in files that workers map."""
    import numpy as np

    names = []
    for number, feed in enumerate(sweep.feeds):
        names.append(str(folder / f"{number}.npy"))
        np.save(names[-1], feed.rows)
    return names


def _begin(sweep: Sweep, names: list[str]) -> None:
    """A worker process begins: mapped rows are one copy for all; ``c`` lets rules take them as they are."""
    import numpy as np

    _MINE["sweep"] = _with_rows(sweep, [_taken(np.load(name, mmap_mode="c")) for name in names])


def _play_mine(chunk: Numbers) -> list[Outcome]:
    sweep: Sweep = _MINE["sweep"]
    return sweep.play_all(chunk)


# -- Ray -------------------------------------------------------------------------------------------


def _by_ray(sweep: Sweep, chunks: Sequence[Numbers], count: int, done: Done) -> None:
    """Ray plays a chunk again by itself where its worker died."""
    try:
        ray = import_module("ray")
    except ImportError:
        raise InputError(
            "BACKTEST-309", "Ray is not installed", "pip install 'lotwise[cluster]', or use threads"
        ) from None
    if not ray.is_initialized():
        own = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": count or None, "include_dashboard": False}
        ray.init(log_to_driver=False, **own)  # a cluster that runs already has its own size
    rows = [ray.put(feed.rows) for feed in sweep.feeds]
    bare = ray.put(_without_rows(sweep))
    remote = ray.remote(max_retries=TRIES, num_cpus=1)(_play_far)
    room = AHEAD * (count or int(ray.cluster_resources().get("CPU", 1)))
    waiting: dict[Any, int] = {}
    coming = iter(enumerate(chunks))
    while True:
        for number, chunk in coming:
            waiting[remote.remote(list(chunk), bare, *rows)] = number
            if len(waiting) >= room:
                break
        if not waiting:
            return
        (ready, *_), _ = ray.wait(list(waiting), num_returns=1)
        try:
            outcomes = ray.get(ready)
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError):
            raise lost(TRIES + 1) from None
        done(waiting.pop(ready), outcomes)


def _play_far(chunk: list[int], sweep: Sweep, *rows: Any) -> list[Outcome]:
    """In a worker of a cluster; the sweep is kept from chunk to chunk."""
    key = repr([(part.__array_interface__["data"][0], len(part)) for part in rows])
    if _MINE.get("key") != key:
        _MINE.clear()
        _MINE["sweep"] = _with_rows(sweep, [_taken(part) for part in rows])
        _MINE["key"] = key
    return _play_mine(chunk)


class _Open:
    """Rows of a store under an interface that does not call them read-only; nothing writes to them."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows
        place, _ = rows.__array_interface__["data"]
        self.__array_interface__ = rows.__array_interface__ | {"data": (place, False)}


def _taken(rows: Any) -> Any:
    """The same memory as rules take it: read-only, or of a file's dtype, it would be compiled for anew."""
    import numpy as np

    return np.asarray(_Open(rows)).view(dtype_of(FeedRow))


PLACES: Final[dict[str, Callable[[Sweep, Sequence[Numbers], int, Done], None]]] = {
    "threads": _by_threads,
    "processes": _by_processes,
    "ray": _by_ray,
}
