"""managedFields of created objects, as a real API server recorded them for each kind."""

import pytest

from engine.apiserver.managedfields.manager import reset_fields, updated
from engine.apiserver.managedfields.ownership import Writer
from engine.base.objects import Obj, frozen
from engine.kinds.common.model import Kind, no_errors, same
from engine.kinds.common.registry import load
from engine.schema.types import type_of
from engine.schema.validators import validate
from tests.patching.recordings import EPOCH, Step, comparable, steps


def _creations() -> list[Step]:
    try:
        return [step for step in steps("defaults") if step.method == "POST" and step.status == 201]
    except pytest.skip.Exception:
        return []


def _written(step: Step, kind: Kind, version: str) -> Obj:
    """The object before admission and PrepareForCreate, in the version of the request."""
    if kind.defaults is same and kind.validate is no_errors:
        # Known by name only: what is recorded has no more than what was sent and defaulted.
        metadata = {name: value for name, value in step.answer["metadata"].items() if name in ("labels", "annotations")}
        return {**step.answer, "metadata": metadata}
    sent = {**step.body, "apiVersion": step.answer["apiVersion"], "kind": kind.kind}
    obj = validate(kind.group, version, kind.kind, sent).obj
    to_request, to_storage = kind.convert.get(version, (same, same))
    return to_request(kind.defaults(to_storage(obj)))


@pytest.mark.parametrize("step", _creations(), ids=lambda step: f"{step.number}-{step.answer['kind']}")
def test_a_created_object_belongs_to_its_creator(step: Step) -> None:
    group, _, version = step.answer["apiVersion"].rpartition("/")
    kind = load().by_kind(group, step.answer["kind"])
    assert kind is not None
    writer = Writer("golden", step.answer["apiVersion"], "", reset_fields("", kind.status, kind.resource))
    made = updated(None, frozen(_written(step, kind, version)), type_of(group, version, kind.kind), writer, EPOCH)
    assert comparable(made["metadata"].get("managedFields")) == comparable(step.answer["metadata"].get("managedFields"))
