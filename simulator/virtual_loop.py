"""An event loop without a world: virtual time, an order drawn from a seed, no sockets, no threads.

Ordinary asyncio programs run on it unchanged. When nothing is ready, time jumps to the next timer;
tasks that are ready together run in an order that the seed decides; what goes to an executor runs
inline after a drawn delay. It holds no network (see `weather`; `streams` is one that can be given
to it) and no device's clock (see `device_clock`). Invariant: one seed gives one trace on one Python
version, whatever PYTHONHASHSEED or the machine's load.

Of asyncio's private names it uses three: it replaces `BaseEventLoop._run_once`, reads `_stopping`,
and calls `Handle._run`; all three are the same in CPython 3.11 to 3.14.
"""

from __future__ import annotations

import asyncio
import gc
import heapq
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Generic, NoReturn, Protocol, TypeVar, TypeVarTuple, Unpack
from weakref import WeakKeyDictionary

from simulator.trace import Trace, in_words

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

EXECUTOR_DELAY_S: Final = (0.000_2, 0.02)
"""How long a transaction takes: a commit on a phone's flash, at best and at worst."""
STEPS_MAX: Final = 500_000_000
"""More than any run that a person waits for; a run that goes beyond is caught in a circle."""
STEPS_AT_ONE_INSTANT_MAX: Final = 1_000_000
"""A fleet of thousands wakes at one instant in fewer; more means that somebody never waits."""
STEPS_BETWEEN_COLLECTIONS: Final = 200_000
"""Garbage is collected by count of steps, since by chance of memory it would not replay."""
FAULTS_KEPT_MAX: Final = 100
WAITING_SHOWN_MAX: Final = 20
CANCELLATIONS_MAX: Final = 5
"""A task may start another while it cleans up; one that goes on and on will not end."""


class Deadlock(RuntimeError):
    """Nothing is ready and no timer is set, so the program would wait for ever."""


class Livelock(RuntimeError):
    """The program runs without end, at one instant or beyond all bounds."""


class OutsideWorld(RuntimeError):
    """The program asked the simulated loop for a real socket, process, signal or thread."""


class Unhandled(RuntimeError):
    """A callback or a task failed and nobody looked at its error."""


class SimulatedTask(asyncio.Task[T]):
    """A task whose hash is its number, so that sets of tasks are walked in the same order."""

    def __init__(self, number: int, coroutine: Coroutine[Any, Any, T], **options: Any) -> None:
        self.number = number
        super().__init__(coroutine, **options)

    def __hash__(self) -> int:
        return hash(self.number)


ProtocolFactory = Callable[[], asyncio.BaseProtocol]


class Network(Protocol):
    """Carries streams of bytes between those who call a loop's methods for Unix sockets."""

    async def listen(self, factory: ProtocolFactory, path: str) -> asyncio.AbstractServer:
        """Take connections at a path."""

    async def connect(
        self, factory: ProtocolFactory, path: str
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Connect to a path. Raises OSError."""


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop; `run` makes one, or give it to whoever wants `loop.time()` and timers.

    Args:
        seed: decides the order of what is ready together and how long executors take.
        trace: where every step is hashed; a new one if None.
        executor_delay_s: least and most time that a call on an executor takes.
        steps_max: after so many steps the run ends with `Livelock`.

    `network` carries what would be Unix sockets; None refuses them as all else outside.
    """

    _stopping: bool

    def __init__(
        self,
        seed: int,
        *,
        trace: Trace | None = None,
        executor_delay_s: tuple[float, float] = EXECUTOR_DELAY_S,
        steps_max: int = STEPS_MAX,
    ) -> None:
        super().__init__()
        self.seed = seed
        self.trace = Trace() if trace is None else trace
        self.steps = 0
        self.faults: list[str] = []
        self.network: Network | None = None
        self._chance = Random(f"{seed}/loop")
        self._executor_delay_s = executor_delay_s
        self._steps_max = steps_max
        self._steps_at_instant = 0
        self._now_s = 0.0
        self._soon: list[tuple[asyncio.Handle, str, bool]] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle, str]] = []
        self._timers_made = 0
        self._tasks_made = 0
        # Those that a library made without asking the loop; their names count all of a process.
        self._number_by_stranger: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()
        self._busy_until_s_by_executor: dict[Executor, float] = {}
        self._thread = threading.get_ident()
        self.set_exception_handler(_keep_fault)

    # --- time and order

    def time(self) -> float:
        """Seconds of virtual time since the run began."""
        return self._now_s

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Run a callback in the next round; plain callbacks keep their order, tasks do not."""
        self._check_open()
        handle = asyncio.Handle(callback, args, self, context)
        owner = getattr(callback, "__self__", None)
        if isinstance(owner, asyncio.Task):
            self._soon.append((handle, self._label_of(owner), True))
        else:
            self._soon.append((handle, _name_of(callback), False))
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run a callback at a virtual time; `call_later` and every sleep come through here."""
        self._check_open()
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._timers_made += 1
        # The number decides between equal times, so that a handle is never compared.
        entry = (when, self._timers_made, handle, _name_of(callback))
        heapq.heappush(self._timers, entry)
        return handle

    def call_soon_threadsafe(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """As `call_soon`. Raises `OutsideWorld` in another thread, whose timing no seed decides."""
        if threading.get_ident() != self._thread:
            raise OutsideWorld(
                f"{_name_of(callback)} came from thread {threading.current_thread().name}; in a "
                "simulation all work must go through run_in_executor"
            )
        return self.call_soon(callback, *args, context=context)

    def create_task(self, coro: Any, *, name: object = None, **options: Any) -> Any:
        """Start a task; one without a name gets its number in this loop."""
        self._check_open()
        self._tasks_made += 1
        number = self._tasks_made
        options = {key: value for key, value in options.items() if value is not None}
        label = f"task {number}" if name is None else str(name)
        return SimulatedTask(number, coro, loop=self, name=label, **options)

    def _label_of(self, task: asyncio.Task[Any]) -> str:
        """What the trace calls a task."""
        if isinstance(task, SimulatedTask):
            return task.get_name()
        return f"task {self._number_of(task)} of a library"

    def _number_of(self, task: asyncio.Task[Any]) -> int:
        if isinstance(task, SimulatedTask):
            return task.number
        number = self._number_by_stranger.get(task)
        if number is None:
            self._tasks_made += 1
            number = self._number_by_stranger[task] = self._tasks_made
        return number

    def _run_once(self) -> None:
        """One round: jump to the next timer if nothing is ready, then run what was ready."""
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
        if not self._soon and not self._stopping:
            if not timers:
                raise Deadlock(self._deadlock_in_words())
            if timers[0][0] > self._now_s:
                self._now_s = timers[0][0]
                self._steps_at_instant = 0
        while timers and timers[0][0] <= self._now_s:
            _, _, timer, label = heapq.heappop(timers)
            self._soon.append((timer, label, False))
        batch, self._soon = self._soon, []
        if len(batch) > 1:
            self._shuffle_tasks(batch)
        done = 0
        try:
            for handle, label, _ in batch:
                done += 1
                if not handle.cancelled():
                    self._count_step()
                    self.trace.step(self._now_s, label)
                    handle._run()
        finally:
            # After an error that ends the run, the rest is still there to be cancelled.
            if done < len(batch):
                self._soon[:0] = batch[done:]

    def _shuffle_tasks(self, batch: list[tuple[asyncio.Handle, str, bool]]) -> None:
        """Exchange the places of tasks; asyncio promises an order to plain callbacks alone."""
        places = [place for place, (_, _, is_task) in enumerate(batch) if is_task]
        steps = [batch[place] for place in places]
        self._chance.shuffle(steps)
        for place, step in zip(places, steps, strict=True):
            batch[place] = step

    def _count_step(self) -> None:
        self.steps += 1
        self._steps_at_instant += 1
        if self.steps > self._steps_max:
            raise Livelock(f"{self._steps_max} steps were not enough; is something in a circle?")
        if self._steps_at_instant > STEPS_AT_ONE_INSTANT_MAX:
            raise Livelock(
                f"{STEPS_AT_ONE_INSTANT_MAX} steps at {in_words(self._now_s)} without any wait; "
                f"last: {', '.join(sorted({label for _, label, _ in self._soon})[:5])}"
            )
        if self.steps % STEPS_BETWEEN_COLLECTIONS == 0:
            gc.collect()

    def _deadlock_in_words(self) -> str:
        tasks = self.waiting()
        shown = "; ".join(f"{self._label_of(task)} at {where(task)}" for task in tasks)
        return f"nothing can happen after {in_words(self._now_s)}; waiting: {shown or 'nobody'}"

    def waiting(self, shown_max: int = WAITING_SHOWN_MAX) -> list[asyncio.Task[Any]]:
        """The first unfinished tasks, in the order in which they were started."""
        return sorted(asyncio.all_tasks(self), key=self._number_of)[:shown_max]

    # --- executors

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run `func(*args)` inline after a drawn delay.

        Calls on one executor run one after another, in order, as on one thread; calls on None do
        not wait for each other. A call that is cancelled after it began runs to its end all the
        same and its result is dropped, which is what a thread does.
        """
        self._check_open()
        future: asyncio.Future[T] = self.create_future()
        begin_s = self._now_s
        if executor is not None:
            begin_s = max(begin_s, self._busy_until_s_by_executor.get(executor, 0.0))
        end_s = begin_s + self._chance.uniform(*self._executor_delay_s)
        if executor is not None:
            self._busy_until_s_by_executor[executor] = end_s

        def begin() -> None:
            if not future.cancelled():
                self.call_at(end_s, end)

        def end() -> None:
            try:
                result = func(*args)
            except BaseException as error:  # noqa: BLE001  # as a thread, it hands on all of them
                if isinstance(error, StopIteration):
                    error = RuntimeError(f"{_name_of(func)} raised {error!r}")
                if not future.cancelled():
                    future.set_exception(error)
            else:
                if not future.cancelled():
                    future.set_result(result)

        begin.__qualname__ = f"begin {_name_of(func)}"
        end.__qualname__ = f"end {_name_of(func)}"
        if begin_s <= self._now_s:
            begin()
        else:
            self.call_at(begin_s, begin)
        return future

    async def shutdown_default_executor(self, *_: object, **__: object) -> None:
        """Nothing to end: there are no threads."""

    # --- streams

    def create_unix_server(
        self, protocol_factory: Any, path: Any = None, *, ssl: object = None, **_: object
    ) -> Coroutine[Any, Any, Any]:
        """Take connections at a path of the given network; what else sockets have does not matter.

        Raises OutsideWorld if there is no network, or for TLS (see `simulator.streams`).
        """
        if self.network is None or ssl is not None:
            _refused("create_unix_server")
        return self.network.listen(protocol_factory, str(path))

    def create_unix_connection(
        self, protocol_factory: Any, path: Any = None, *, ssl: object = None, **_: object
    ) -> Coroutine[Any, Any, Any]:
        """Connect to a path of the given network. Raises as `create_unix_server`."""
        if self.network is None or ssl is not None:
            _refused("create_unix_connection")
        return self.network.connect(protocol_factory, str(path))

    # --- the end

    def _check_open(self) -> None:
        if self.is_closed():
            raise RuntimeError("the simulated loop is closed")

    def cancel_all(self) -> None:
        """Cancel every unfinished task, oldest first, and give each a minute to clean up."""
        self.steps = self._steps_at_instant = 0
        for _ in range(CANCELLATIONS_MAX):
            tasks = self.waiting(shown_max=self._tasks_made)
            if not tasks:
                return
            for task in tasks:
                task.cancel()
            self.run_until_complete(asyncio.wait(tasks, timeout=60.0))
        self.faults.extend(
            f"{self._label_of(task)} does not end when it is cancelled, at {where(task)}"
            for task in self.waiting()
        )

    def close(self) -> None:
        """End the loop; what was still to come does not happen."""
        self._soon.clear()
        self._timers.clear()
        super().close()


def _keep_fault(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keep what asyncio would log: an error that nobody handled must end the run."""
    assert isinstance(loop, VirtualLoop)
    if len(loop.faults) < FAULTS_KEPT_MAX:
        error = context.get("exception")
        words = context.get("message", "a callback failed")
        loop.faults.append(words if error is None else f"{words}: {error!r}")


def _refused(name: str) -> NoReturn:
    raise OutsideWorld(
        f"loop.{name} was called; a simulated world has no sockets, processes or signals: "
        "give the program a link of simulator.weather, or the loop a network of simulator.streams"
    )


def _refuse(name: str) -> Callable[..., NoReturn]:
    """A method of the loop that has no meaning without a world."""

    def refuse(self: VirtualLoop, *_: object, **__: object) -> NoReturn:
        _refused(name)

    refuse.__name__ = name
    return refuse


for _name in (
    *("create_connection", "create_server", "create_datagram_endpoint", "start_tls", "sendfile"),
    *("connect_accepted_socket", "connect_read_pipe", "connect_write_pipe"),
    *("subprocess_exec", "subprocess_shell"),
    *("sock_accept", "sock_connect", "sock_recv", "sock_recv_into", "sock_recvfrom"),
    *("sock_recvfrom_into", "sock_sendall", "sock_sendfile", "sock_sendto"),
    *("add_reader", "add_writer", "remove_reader", "remove_writer"),
    *("add_signal_handler", "remove_signal_handler", "getaddrinfo", "getnameinfo"),
):
    setattr(VirtualLoop, _name, _refuse(_name))


def _name_of(function: object) -> str:
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) else type(function).__name__


def where(task: asyncio.Task[Any]) -> str:
    """Where an unfinished task waits: the innermost function and its line."""
    place = "its beginning"
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)
        if frame is not None:
            place = f"{_name_of(awaited)}:{frame.f_lineno}"
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
    return place


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What a run came to: its value, the hash of its trace, its steps and its virtual seconds."""

    value: T
    digest: str
    steps: int
    virtual_s: float


def run(
    main: Callable[[VirtualLoop], Coroutine[Any, Any, T]],
    seed: int,
    *,
    trace: Trace | None = None,
    executor_delay_s: tuple[float, float] = EXECUTOR_DELAY_S,
    steps_max: int = STEPS_MAX,
) -> Outcome[T]:
    """Run `main(loop)` to its end in virtual time; then cancel what it left behind.

    The digest covers the run up to the return of `main`.

    Raises:
        Deadlock: everybody waits for ever; the message names who and where.
        Livelock: it never waits.
        OutsideWorld: it asked for a socket, a process or a thread.
        Unhandled: it returned, but a callback or task had failed unseen.
        Whatever `main` raises.
    """
    loop = VirtualLoop(seed, trace=trace, executor_delay_s=executor_delay_s, steps_max=steps_max)
    with _collecting_by_steps():
        try:
            value = loop.run_until_complete(main(loop))
            outcome = Outcome(value, loop.trace.digest(), loop.steps, loop.time())
        except BaseException as error:
            for line in (f"seed {seed}", *loop.faults):
                error.add_note(line)
            raise
        finally:
            loop.cancel_all()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
        gc.collect()
    if loop.faults:
        raise Unhandled(f"seed {seed}: {len(loop.faults)} unseen: {'; '.join(loop.faults[:5])}")
    return outcome


@contextmanager
def _collecting_by_steps() -> Iterator[None]:
    """Switch off the collector that runs by count of objects, which differs from run to run.

    What was there before the run is set aside, so that each collection looks at the run alone. So
    whoever makes many large runs collects between them, or what one left stays for ever.
    """
    enabled = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()
