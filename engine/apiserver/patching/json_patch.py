"""JSON patch, RFC 6902."""

from typing import Any

import orjson
from jsonpatch import JsonPatch, JsonPatchException
from jsonpointer import JsonPointerException

from engine.apiserver.patching.merge import same
from engine.base.errors import StatusError, too_large
from engine.base.limits import JSON_PATCH_OPERATIONS_MAX
from engine.base.objects import Obj

_METADATA, _MANAGED = "metadata", "managedFields"

_REJECTED = "the server rejected our request due to an error in our request"


def _rejected() -> StatusError:
    """422 as NewGenericServerResponse words it: the reason why an operation failed is not told."""
    return StatusError(422, "Invalid", _REJECTED, {})


def _copy(value: Any) -> Any:
    """A deep copy, because the library works in place."""
    return orjson.loads(orjson.dumps(value)) if isinstance(value, dict | list) else value


def _touched(operations: list[Any]) -> set[str]:
    """First names of the paths that operations change or take from; `managedFields` too where they reach into it."""
    found: set[str] = set()
    for operation in operations:
        for name in ("path", "from"):
            pointer = operation.get(name) if isinstance(operation, dict) else None
            if isinstance(pointer, str):
                steps = pointer.split("/")[1:3]
                found.update(steps[:1])
                if steps[:1] == [_METADATA] and (len(steps) == 1 or steps[1] == _MANAGED):
                    found.add(_MANAGED)
    return found


def _private(current: Obj, touched: set[str]) -> dict[str, Any]:
    """`current` with own copies of the parts that are touched; managedFields, which are large and shared, only if they are."""
    made = {name: _copy(value) if name in touched and name != _METADATA else value for name, value in current.items()}
    metadata = current.get(_METADATA)
    if _METADATA in touched and isinstance(metadata, dict):
        kept = None if _MANAGED in touched else metadata.get(_MANAGED)
        made[_METADATA] = {name: value if value is kept else _copy(value) for name, value in metadata.items()}
    return made


def apply_operations(current: Obj, operations: list[Any]) -> Obj:
    """`current` after all operations; itself where they leave it as it is.

    Raises:
        StatusError: 413 more than JSON_PATCH_OPERATIONS_MAX operations; 422 one is malformed or fails; nothing tells which.
    """
    if len(operations) > JSON_PATCH_OPERATIONS_MAX:
        raise too_large(f"The allowed maximum operations in a JSON patch is {JSON_PATCH_OPERATIONS_MAX}, got {len(operations)}")
    try:
        patch = JsonPatch(_copy(operations))
        patched: Any = patch.apply(_private(current, _touched(operations)), in_place=True)
    except (JsonPatchException, JsonPointerException) as error:
        raise _rejected() from error
    if not isinstance(patched, dict):
        raise _rejected()
    return _shared(current, patched)


def _shared(current: Obj, patched: dict[str, Any]) -> Obj:
    """`patched` with the parts of `current` in place of equal copies."""
    metadata = current.get(_METADATA)
    for name, value in patched.items():
        ours = current.get(name)
        if ours is value:
            continue
        if name in current and same(ours, value):
            patched[name] = ours
        elif name == _METADATA and isinstance(value, dict) and isinstance(metadata, dict):
            patched[name] = {
                key: metadata[key] if key in metadata and same(metadata[key], inner) else inner for key, inner in value.items()
            }
    unchanged = len(patched) == len(current) and all(name in current and current[name] is value for name, value in patched.items())
    return current if unchanged else patched
