"""kubectl's annotation of client-side apply, beside server-side apply by the manager `kubectl`.

(apimachinery/pkg/util/managedfields/internal: lastapplied.go, lastappliedmanager.go, lastappliedupdater.go)
"""

from typing import Any

import orjson

from engine.apiserver.managedfields.conflicts import Conflict
from engine.apiserver.managedfields.fieldsets import FieldSet, difference, has
from engine.apiserver.managedfields.shapes import Shape, TypedError
from engine.apiserver.managedfields.typed import compare, set_of
from engine.base.limits import ANNOTATIONS_BYTES_MAX
from engine.base.objects import Obj, annotations_of, drop, put

MANAGER = "kubectl"
ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"

_PATH = ("metadata", "annotations", ANNOTATION)


def _parsed(live: Obj) -> Obj | None:
    text = annotations_of(live).get(ANNOTATION)
    if not text:
        return None
    try:
        found: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and found.get("apiVersion") == live.get("apiVersion") else None


def unchanged(live: Obj, shape: Shape) -> FieldSet | None:
    """The fields that were last applied on the client's side and are still so; None where there is no usable annotation."""
    last = _parsed(live)
    if last is None:
        return None
    try:
        comparison = compare(last, live, shape)
        return difference(difference(set_of(last, shape), comparison.written), comparison.removed)
    except TypedError:
        return None


def remaining(conflicts: list[Conflict], allowed: FieldSet) -> list[Conflict]:
    """Conflicts with other fields than those."""
    return [conflict for conflict in conflicts if not has(allowed, conflict.path)]


def recorded(made: Obj, applied: Obj) -> Obj:
    """`made` with the annotation, if it has one, saying what was applied now; without it where that is too large for annotations."""
    if not annotations_of(made).get(ANNOTATION):
        return made
    text = orjson.dumps(drop(applied, _PATH), option=orjson.OPT_SORT_KEYS).decode() + "\n"
    annotations = {**annotations_of(made), ANNOTATION: text}
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > ANNOTATIONS_BYTES_MAX:
        return drop(made, _PATH)
    return put(made, _PATH, text)
