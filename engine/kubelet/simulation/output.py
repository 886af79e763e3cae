"""The lines that a simulated container prints, made when they are read: line n of an instance is a function of its id."""

from collections.abc import Callable
from typing import NamedTuple

from engine.base.clock import rfc3339, rfc3339_micro
from engine.kubelet.simulation.behaviour import HOST, Behaviour
from engine.kubelet.simulation.draws import draw
from engine.kubelet.simulation.scripts import NEVER
from engine.kubelet.simulation.words import DATE

KEPT_MAX = 10_000
"""Lines of an instance that can be read back: about what the kubelet's log rotation (10 MiB, 5 files) keeps of a busy server."""

_EVERY_S = {"nginx": 5.0, "apache": 5.0, "redis": 300.0, "postgres": 300.0, "mysql": 600.0, "app": 4.0, "worker": 6.0}


class Line(NamedTuple):
    """A line and when it was printed, in epoch seconds."""

    at: float
    text: str


class Output:
    """What one instance prints: a beginning, and then a pattern of lines over and over."""

    def __init__(self, does: Behaviour, host: str, identity: str, started_at: float) -> None:
        self.host, self.identity, self.started_at = host, identity, started_at
        self.kind = does.log
        self.loop: tuple[tuple[float, str], ...] = ()
        knobs = does.knobs
        script = does.script
        if knobs.log_every_s:
            self.head: tuple[tuple[float, str], ...] = ()
            self.loop_at, self.loop_s, self.loop = 0.0, knobs.log_every_s, ((0.0, knobs.log_line or ""),)
            self.kind = "none" if knobs.log_line else "app"
        elif script is not None:
            self.head, self.loop_at, self.loop_s, self.loop = script.lines, script.loop_at, script.loop_s, script.loop
        else:
            self.head = _BANNERS.get(self.kind, ())
            if self.kind == "app":
                self.kind = "worker" if does.any_port else "app"
                self.head = ((0.0, "starting"), *((0.3, f"listening on :{port}") for port in does.ports if not does.any_port))
            every_s = _EVERY_S.get(self.kind, 0.0)
            self.loop_at, self.loop_s, self.loop = (max(2.0, every_s / 2), every_s, ((0.0, ""),)) if every_s else (NEVER, 1.0, ())

    def count(self, now: float) -> int:
        """How many lines were printed before or at `now`."""
        age = now - self.started_at
        if age < 0:
            return 0
        if age < self.loop_at or not self.loop:
            return sum(1 for at, _ in self.head if at <= age)
        rounds, rest = divmod(age - self.loop_at, self.loop_s)
        return len(self.head) + int(rounds) * len(self.loop) + sum(1 for at, _ in self.loop if at <= rest + 1e-6)

    def line(self, n: int) -> Line:
        """Line `n`, counted from 0."""
        if n < len(self.head):
            age, text = self.head[n]
        else:
            rounds, place = divmod(n - len(self.head), len(self.loop))
            offset, text = self.loop[place]
            age = self.loop_at + rounds * self.loop_s + offset
        at = self.started_at + age
        if not text and self.kind in _SPEAKERS:
            return Line(at, _SPEAKERS[self.kind](self, n, at))
        return Line(at, self._filled(text, at))

    def next_at(self, n: int) -> float:
        """When line `n` will be printed; infinity for never."""
        return self.line(n).at if n < len(self.head) or self.loop else NEVER

    def _filled(self, text: str, at: float) -> str:
        if "\0" not in text:
            return text
        return text.replace(HOST, self.host).replace(DATE, _unix_date(at)).replace("\0second\0", rfc3339(at).replace("T", " ").rstrip("Z"))

    def pick(self, n: int, salt: str) -> float:
        """A number in [0, 1) for a line."""
        return draw(self.identity, n, salt)


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")


def _unix_date(at: float) -> str:
    shown = rfc3339(at)
    return f"{_DAYS[int(at // 86_400) % 7]} {_MONTHS[int(shown[5:7]) - 1]} {int(shown[8:10]):2d} {shown[11:19]} UTC {shown[:4]}"


def _clf_time(at: float) -> str:
    shown = rfc3339(at)
    return f"{shown[8:10]}/{_MONTHS[int(shown[5:7]) - 1]}/{shown[:4]}:{shown[11:19]} +0000"


_PATHS = ("/", "/healthz", "/api/items", "/api/items/42", "/static/app.js", "/favicon.ico", "/login", "/api/orders")
_WRITTEN = ("/login", "/api/orders")


def _request(out: Output, n: int) -> tuple[str, int, int, str]:
    path = _PATHS[int(out.pick(n, "path") * len(_PATHS))]
    code = 404 if path == "/favicon.ico" else 200
    client = f"10.244.{int(out.pick(n, 'net') * 8)}.{2 + int(out.pick(n, 'host') * 200)}"
    return path, code, 153 + int(out.pick(n, "size") * 4000), client


def _nginx(out: Output, n: int, at: float) -> str:
    path, code, size, client = _request(out, n)
    agent = "kube-probe/1.36" if path == "/healthz" else "Mozilla/5.0 (X11; Linux x86_64)"
    return f'{client} - - [{_clf_time(at)}] "GET {path} HTTP/1.1" {code} {size} "-" "{agent}" "-"'


def _apache(out: Output, n: int, at: float) -> str:
    path, code, size, client = _request(out, n)
    return f'{client} - - [{_clf_time(at)}] "GET {path} HTTP/1.1" {code} {size}'


def _redis(out: Output, n: int, at: float) -> str:
    shown = rfc3339(at)
    when = f"{shown[8:10]} {_MONTHS[int(shown[5:7]) - 1]} {shown[:4]} {shown[11:19]}.{int(out.pick(n, 'ms') * 1000):03d}"
    return f"1:M {when} * Background saving terminated with success"


def _postgres(out: Output, n: int, at: float) -> str:
    shown = rfc3339(at).replace("T", " ").rstrip("Z")
    buffers = 3 + int(out.pick(n, "buffers") * 60)
    what = f"checkpoint complete: wrote {buffers} buffers ({buffers / 163.84:.1f}%)"
    return f"{shown}.{int(out.pick(n, 'ms') * 1000):03d} UTC [27] LOG:  {what}"


def _mysql(out: Output, n: int, at: float) -> str:
    return f"{rfc3339_micro(at)} 0 [Note] InnoDB: page_cleaner: 1000ms intended loop took {4000 + int(out.pick(n, 'ms') * 900)}ms."


def _app(out: Output, n: int, at: float) -> str:
    path, code, _, client = _request(out, n)
    method = "POST" if path in _WRITTEN else "GET"
    level = "WARN " if code >= 400 else "INFO "
    took = 1 + int(out.pick(n, "took") ** 3 * 240)
    what = f"method={method} path={path} status={code} duration_ms={took} client={client}"
    return f"{rfc3339_micro(at)[:-4]}Z {level} request {what}"


def _worker(out: Output, n: int, at: float) -> str:
    """What a program says that listens nowhere: it takes work from somewhere else."""
    number = 1_000 + n * 7 + int(out.pick(n, "job") * 7)
    return f"{rfc3339_micro(at)[:-4]}Z INFO  job id={number} status=done duration_ms={5 + int(out.pick(n, 'took') ** 2 * 900)}"


_SPEAKERS: dict[str, Callable[[Output, int, float], str]] = {
    "nginx": _nginx,
    "apache": _apache,
    "redis": _redis,
    "postgres": _postgres,
    "mysql": _mysql,
    "app": _app,
    "worker": _worker,
}

_S = "\0second\0"
_BANNERS: dict[str, tuple[tuple[float, str], ...]] = {
    "nginx": (
        (0.0, "/docker-entrypoint.sh: Configuration complete; ready for start up"),
        (0.1, f'{_S} [notice] 1#1: using the "epoll" event method'),
        (0.1, f"{_S} [notice] 1#1: start worker processes"),
    ),
    "apache": ((0.1, f"[{_S}] [mpm_event:notice] [pid 1:tid 1] AH00489: Apache/2.4.62 (Unix) configured -- resuming normal operations"),),
    "redis": (
        (0.0, "1:C * oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo"),
        (0.0, "1:C * Redis version=7.4.1, bits=64, commit=00000000, modified=0, pid=1, just started"),
        (0.1, "1:M * Running mode=standalone, port=6379."),
        (0.1, "1:M * Server initialized"),
        (0.1, "1:M * Ready to accept connections tcp"),
    ),
    "postgres": (
        (0.0, "PostgreSQL Database directory appears to contain a database; Skipping initialization"),
        (0.2, f'{_S} UTC [1] LOG:  listening on IPv4 address "0.0.0.0", port 5432'),
        (0.4, f"{_S} UTC [1] LOG:  database system is ready to accept connections"),
    ),
    "mysql": ((0.5, f"{_S} 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. port: 3306"),),
}
