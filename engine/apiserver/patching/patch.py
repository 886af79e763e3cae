"""One patch of any kind applied to an object (apiserver/pkg/endpoints/handlers/patch.go)."""

from typing import Any

from engine.apiserver.patching.json_patch import apply_operations
from engine.apiserver.patching.merge import apply_merge
from engine.apiserver.patching.strategic import apply_strategic
from engine.base.api import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH
from engine.base.errors import StatusError, bad_request
from engine.base.objects import Obj
from engine.schema.types import TypeInfo

_JSON_TYPES: dict[type, str] = {dict: "object", list: "array", str: "string", int: "number", float: "number", bool: "bool"}


def apply_patch(current: Obj, patch: Any, content_type: str, type_info: TypeInfo | None) -> Obj:
    """`current` with `patch` (decoded JSON); itself where nothing changes. Neither argument is changed.

    Raises:
        StatusError: 400 the patch is no patch; 413 it has too many operations; 415 of another kind, or a strategic merge patch for an
            object without schema; 422 it cannot be applied; 500 for what upstream answers so.
    """
    if content_type == JSON_PATCH:
        if not isinstance(patch, list):
            raise bad_request(f"error decoding patch: {_mismatch(patch, '[]handlers.jsonPatchOp')}")
        return apply_operations(current, patch)
    if content_type == MERGE_PATCH:
        if not isinstance(patch, dict):
            raise bad_request(f"error decoding patch: {_mismatch(patch, 'map[string]interface {}')}")
        return apply_merge(current, patch)
    if content_type == STRATEGIC_PATCH and type_info is not None:
        if not isinstance(patch, dict):
            raise bad_request(_mismatch(patch, "map[string]interface {}"))
        return apply_strategic(current, patch, type_info)
    raise StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def _mismatch(value: Any, go_type: str) -> str:
    return f"json: cannot unmarshal {_JSON_TYPES.get(type(value), 'null')} into Go value of type {go_type}"
