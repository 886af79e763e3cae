"""`kubectl logs` on a simulated container: options, instances, bounded reading, following."""

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple

from engine.base.clock import parse_time, rfc3339_micro
from engine.base.errors import bad_request
from engine.kubelet import containers
from engine.kubelet.podstate import NEVER, PodState
from engine.kubelet.simulation.output import KEPT_MAX, Line, Output


class Options(NamedTuple):
    """The query parameters of `pods/log` (PodLogOptions)."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: float = 0.0
    tail: int | None = None
    limit_bytes: int | None = None


def options_of(query: Mapping[str, str], now: float) -> Options:
    """Read the options.

    Raises:
        StatusError: 400, a value cannot be read.
    """
    since = 0.0
    try:
        if query.get("sinceSeconds"):
            since = now - int(query["sinceSeconds"])
        elif query.get("sinceTime"):
            since = parse_time(query["sinceTime"])
        tail = int(query["tailLines"]) if query.get("tailLines") else None
        limit = int(query["limitBytes"]) if query.get("limitBytes") else None
    except ValueError as error:
        raise bad_request(f"unable to decode query as PodLogOptions: {error}") from error
    follow, previous, timestamps = (query.get(name) in ("true", "1") for name in ("follow", "previous", "timestamps"))
    return Options(follow, previous, timestamps, since, tail, limit)


class Instance(NamedTuple):
    """One life of a container whose output is read."""

    number: int
    started_at: float
    finished_at: float


def instance_of(state: PodState, i: int, previous: bool) -> Instance:
    """The instance that is meant: the running or last one; the one before it with `previous`.

    Raises:
        StatusError: 400 with the kubelet's words (pkg/kubelet/kubelet_pods.go validateContainerLogStatus).
    """
    c, name, pod = state.containers[i], state.plan.containers[i].name, state.pod["metadata"]["name"]
    waiting = c.life in (containers.EXITED, containers.BACKOFF)
    end = (c.ended if c.life == containers.BACKOFF else c.last) if previous else (c.ended if waiting else None)
    if end is None and not previous and not c.started_at:
        end = c.last
    if end is not None:
        return Instance(end.instance, end.started_at, end.finished_at)
    if previous:
        raise bad_request(f'previous terminated container "{name}" in pod "{pod}" not found')
    if not c.started_at:
        reason = c.reason or ("PodInitializing" if state.plan.first_main else "ContainerCreating")
        raise bad_request(f'container "{name}" in pod "{pod}" is waiting to start: {reason}')
    return Instance(c.instance, c.started_at, NEVER)


def first_line(output: Output, until: float, options: Options) -> int:
    """The first line that is wanted of those before `until`."""
    count = output.count(until)
    first = max(0, count - KEPT_MAX)
    if options.since:
        first = max(first, output.count(options.since - 1e-6))
    if options.tail is not None:
        first = max(first, count - options.tail)
    return first


def shown(line: Line, timestamps: bool) -> bytes:
    """A line as it is sent."""
    text = f"{rfc3339_micro(line.at)[:-1]}000Z {line.text}\n" if timestamps else f"{line.text}\n"
    return text.encode()


def read(output: Output, until: float, options: Options) -> bytes:
    """All wanted lines before or at `until`."""
    found = bytearray()
    for n in range(first_line(output, until, options), output.count(until)):
        found += shown(output.line(n), options.timestamps)
        if options.limit_bytes is not None and len(found) >= options.limit_bytes:
            return bytes(found[: options.limit_bytes])
    return bytes(found)


MESSAGE_LINES_MAX = 80
MESSAGE_BYTES_MAX = 2_048
"""kuberuntime: MaxContainerTerminationMessageLogLines, MaxContainerTerminationMessageLogLength."""


def last_words(output: Output, until: float) -> str:
    """The end of the output as a termination message."""
    return read(output, until, Options(tail=MESSAGE_LINES_MAX))[-MESSAGE_BYTES_MAX:].decode(errors="replace")


class Once:
    """Output that is all there (a `Stream` of bytes)."""

    def __init__(self, text: bytes) -> None:
        self._chunks = [text] if text else []

    async def batch(self) -> list[bytes]:
        """The output, and then nothing."""
        chunks, self._chunks = self._chunks, []
        return chunks

    def close(self) -> None:
        """Give it up."""
        self._chunks = []


class Following:
    """Log output that goes on until the instance ends (a `Stream` of bytes). `finished_at` is asked for the end, if there is one."""

    def __init__(self, output: Output, options: Options, now: Callable[[], float], finished_at: Callable[[], float]) -> None:
        self._output, self._options, self._now, self._finished_at = output, options, now, finished_at
        self._next = first_line(output, now(), options)
        self._left = options.limit_bytes if options.limit_bytes is not None else -1
        self._woken = asyncio.Event()
        self.closed = False

    async def batch(self) -> list[bytes]:
        """The lines printed since the last call, after waiting for one; an empty list once the instance has ended."""
        while not self.closed and self._left != 0:
            end = self._finished_at()
            until = min(self._now(), end)
            if found := self._take(until):
                return found
            if end <= self._now():
                break
            await self._wait(self._output.next_at(self._next))
        self.closed = True
        return []

    def _take(self, until: float) -> list[bytes]:
        found: list[bytes] = []
        for n in range(self._next, self._output.count(until)):
            chunk = shown(self._output.line(n), self._options.timestamps)
            if self._left >= 0:
                chunk = chunk[: self._left]
                self._left -= len(chunk)
            found.append(chunk)
            self._next = n + 1
        return found

    async def _wait(self, until: float) -> None:
        """Until the next line, the end of the instance (`wake`), or `close`."""
        self._woken.clear()
        delay = None if until == NEVER else max(until - self._now(), 0.001)
        try:
            await asyncio.wait_for(self._woken.wait(), delay)
        except TimeoutError:
            return

    def wake(self) -> None:
        """The instance may have ended."""
        self._woken.set()

    def close(self) -> None:
        """Stop following."""
        self.closed = True
        self._woken.set()
