"""What rows of tables have in common (pkg/printers/internalversion/printers.go)."""

from collections.abc import Iterable, Mapping
from typing import Any

from engine.base import selectors
from engine.base.clock import human_duration, parse_time
from engine.base.objects import Obj, name_of
from engine.kinds.common.model import Column

NONE, UNKNOWN, UNSET = "<none>", "<unknown>", "<unset>"
NAME = Column("Name", format="name")
AGE = Column("Age")
_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def text(name: str, priority: int = 0) -> Column:
    """A column of texts."""
    return Column(name, priority=priority)


def number(name: str, priority: int = 0) -> Column:
    """A column of integers."""
    return Column(name, type="integer", priority=priority)


def boolean(name: str) -> Column:
    """A column of booleans."""
    return Column(name, type="boolean")


def wide(*names: str) -> tuple[Column, ...]:
    """Columns of texts that only `-o wide` shows."""
    return tuple(Column(name, priority=1) for name in names)


WORKLOAD_WIDE = wide("Containers", "Images", "Selector")


def ago(time: str | None, now: float) -> str:
    """How long ago a time was; `<unknown>` where there is none."""
    return human_duration(now - parse_time(time)) if time else UNKNOWN


def until(time: str | None, now: float) -> str:
    """translateTimestampUntil."""
    return human_duration(parse_time(time) - now) if time else UNKNOWN


def age(obj: Obj, now: float) -> str:
    """How long ago the object was created."""
    return ago((obj.get("metadata") or {}).get("creationTimestamp"), now)


def containers_and_images(spec: Obj) -> tuple[str, str]:
    """Names and images of a pod spec's containers, with commas."""
    containers = spec.get("containers") or ()
    return ",".join(c.get("name") or "" for c in containers), ",".join(c.get("image") or "" for c in containers)


def labels(values: Mapping[str, str] | None) -> str:
    """`a=b,c=d`, sorted; `<none>` for none (labels.FormatLabels)."""
    return ",".join(f"{k}={v}" for k, v in sorted(values.items())) if values else NONE


def selector(value: Obj | None) -> str:
    """A label selector as text (metav1.FormatLabelSelector): `<none>` where it selects everything or is absent."""
    if value is None:
        return NONE
    return str(selectors.from_label_selector(value)) or NONE


def access_modes(modes: Iterable[str] | None) -> str:
    """`RWO,ROX`, in upstream's order, each once."""
    given = set(modes or ())
    return ",".join(short for mode, short in _MODES.items() if mode in given)


def more(items: list[str], shown: int = 3) -> str:
    """`a,b,c + 2 more...`; `<none>` for none."""
    if not items:
        return NONE
    text = ",".join(items[:shown])
    return text if len(items) <= shown else f"{text} + {len(items) - shown} more..."


def name_and_age(obj: Obj, now: float) -> list[Any]:
    """The row of a kind that shows nothing else."""
    return [name_of(obj), age(obj, now)]
