"""The annotations `sim.ktui.dev/<knob>` (all containers of a pod) and `sim.ktui.dev/<knob>.<container>` (one of them)."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from engine.kubelet.simulation import curves
from engine.kubelet.simulation.curves import Curve

PREFIX = "sim.ktui.dev/"


class KnobError(ValueError):
    """An annotation cannot be read; the message says which and why."""


class Knobs(NamedTuple):
    """What annotations set; None where they say nothing."""

    pull_s: float | None = None
    pull_error: str | None = None
    start_s: float | None = None
    run_s: float | None = None
    exit_code: int | None = None
    crash_after_s: float | None = None
    ready_after_s: float | None = None
    liveness_fails_after_s: float | None = None
    readiness_fails_after_s: float | None = None
    startup_fails: bool | None = None
    hook_error: str | None = None
    ignore_term: bool | None = None
    stop_s: float | None = None
    cpu: Curve | None = None
    memory: Curve | None = None
    log_every_s: float | None = None
    log_line: str | None = None


def _seconds(text: str) -> float:
    value = float(text.removesuffix("s"))
    if not 0 <= value < 1e9:
        raise ValueError(f"{text!r} is no time in seconds")
    return value


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text == "true"


def _fail_after(text: str) -> float:
    name, _, seconds = text.partition(":")
    if name == "fail":
        return 0.0
    if name != "fail-after" or not seconds:
        raise ValueError(f'{text!r} is neither "fail" nor "fail-after:<seconds>"')
    return _seconds(seconds)


def _startup(text: str) -> bool:
    if text != "fail":
        raise ValueError(f'{text!r} is not "fail"')
    return True


_READ: dict[str, tuple[str, Callable[[str], Any]]] = {
    "pull-seconds": ("pull_s", _seconds),
    "pull-error": ("pull_error", str),
    "start-seconds": ("start_s", _seconds),
    "run-seconds": ("run_s", _seconds),
    "exit-code": ("exit_code", int),
    "crash-after-seconds": ("crash_after_s", _seconds),
    "ready-after-seconds": ("ready_after_s", _seconds),
    "liveness": ("liveness_fails_after_s", _fail_after),
    "readiness": ("readiness_fails_after_s", _fail_after),
    "startup": ("startup_fails", _startup),
    "hook-error": ("hook_error", str),
    "ignore-term": ("ignore_term", _truth),
    "stop-seconds": ("stop_s", _seconds),
    "cpu": ("cpu", curves.parse),
    "memory": ("memory", curves.parse),
    "log-every-seconds": ("log_every_s", _seconds),
    "log-line": ("log_line", str),
}

NAMES = tuple(_READ)
NONE = Knobs()


def sim_annotations(annotations: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The annotations that are knobs, in order of their names; the usual answer is none."""
    return tuple(sorted((k, v) for k, v in annotations.items() if k.startswith(PREFIX)))


def knobs_of(annotations: tuple[tuple[str, str], ...], container: str) -> Knobs:
    """The knobs of a container; its own go before the pod's.

    Raises:
        KnobError: a knob is not known, or its value cannot be read.
    """
    if not annotations:
        return NONE
    found: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for key, text in annotations:
        name, _, about = key.removeprefix(PREFIX).partition(".")
        if name not in _READ:
            raise KnobError(f"{key}: there is no such knob (known: {', '.join(NAMES)})")
        if about and about != container:
            continue
        field, read = _READ[name]
        try:
            (own if about else found)[field] = read(text)
        except ValueError as error:
            raise KnobError(f"{key}: {error}") from error
    return Knobs(**(found | own))
