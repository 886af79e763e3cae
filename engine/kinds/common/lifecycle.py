"""What registry strategies do alike on create and update (pkg/registry/*/strategy.go), and readers for field selectors."""

from collections.abc import Callable, Mapping
from typing import Any

from engine.base.objects import Obj, drop, put


def fresh_status(status: Mapping[str, Any] | None = None) -> Callable[[Obj], Obj]:
    """A `prepare_create` that replaces what the request says of status by the kind's first one."""
    first = dict(status or {})

    def prepare(obj: Obj) -> Obj:
        return obj if obj.get("status") == first else {**obj, "status": first}

    return prepare


def keep_status(obj: Obj, old: Obj) -> Obj:
    """A `prepare_update`: the main resource cannot change status."""
    status = old.get("status")
    if obj.get("status") is status:
        return obj
    return drop(obj, ("status",)) if status is None else {**obj, "status": status}


def text_at(*path: str) -> Callable[[Obj], str]:
    """A reader of the text at `path` for field selectors; empty where there is none."""

    def read(obj: Obj) -> str:
        value: Any = obj
        for step in path:
            value = (value or {}).get(step)
        if isinstance(value, bool):
            return "true" if value else "false"
        return "" if value is None else str(value)

    return read


def flag_at(*path: str) -> Callable[[Obj], str]:
    """As `text_at`, for flags: `false` where there is none."""
    read = text_at(*path)
    return lambda obj: read(obj) or "false"


def number_at(*path: str) -> Callable[[Obj], str]:
    """As `text_at`, for numbers: `0` where there is none."""
    read = text_at(*path)
    return lambda obj: read(obj) or "0"


def spec_defaults(defaults: Mapping[str, Any]) -> Callable[[Obj], Obj]:
    """A `defaults` that only fills absent fields of spec."""

    def apply(obj: Obj) -> Obj:
        spec = obj.get("spec") or {}
        missing = {name: value for name, value in defaults.items() if spec.get(name) is None}
        return put(obj, ("spec",), {**spec, **missing}) if missing else obj

    return apply
