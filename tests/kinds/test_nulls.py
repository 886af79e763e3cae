"""A null, or an empty map or list, is what absence is: no function stumbles over one anywhere in an object."""

from collections.abc import Iterator
from typing import Any

from engine.base.objects import dig, put
from tests.kinds import golden

Place = tuple[str | int, ...]


def _places(value: Any, at: Place = ()) -> Iterator[Place]:
    steps: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        if at or step not in ("apiVersion", "kind", "metadata"):
            if isinstance(step, str):
                yield (*at, step)
            yield from _places(inner, (*at, step))


def test_any_field_may_be_null_or_empty() -> None:
    tried = 0
    for step in golden.steps("defaults"):
        kind, version, namespace = golden.kind_at(step.path)
        if step.method != "POST" or kind is None:
            continue
        for place in _places(step.body):
            for nothing in (None, {}, []):
                if nothing is not None and not isinstance(dig(step.body, *place), type(nothing)):
                    continue
                obj = kind.defaults(golden.as_stored(kind, version, namespace, put(step.body, place, nothing)))
                assert kind.defaults(obj) == obj, (kind.kind, place)
                made = kind.prepare_create(obj)
                kind.validate(made, None)
                kind.warnings(made, None)
                if kind.prepare_update:
                    kind.validate(kind.prepare_update(made, made), made)
                if kind.cells:
                    assert len(kind.cells(made, 1.8e9)) == len(kind.columns)
                tried += 1
    assert tried > 300
