"""What definitions say of columns, selectable fields and scale: rules for their JSON paths (pkg/apis/apiextensions/validation)."""

from collections.abc import Iterator

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common.jsonpath import PathError, steps

TYPES = ("boolean", "date", "integer", "number", "string")
_SCALE_PATHS = (
    ("specReplicasPath", (".spec.",), "should be a json path under .spec"),
    ("statusReplicasPath", (".status.",), "should be a json path under .status"),
    ("labelSelectorPath", (".spec.", ".status."), "should be a json path under either .spec or .status"),
)


def presentation_errors(version: Obj, path: str) -> Iterator[FieldError]:
    """What is wrong with the columns, the selectable fields and the scale subresource of a version."""
    for i, column in enumerate(version.get("additionalPrinterColumns") or ()):
        yield from _column(column, f"{path}.additionalPrinterColumns[{i}]")
    for i, field in enumerate(version.get("selectableFields") or ()):
        yield from _path(field.get("jsonPath") or "", f"{path}.selectableFields[{i}].jsonPath")
    scale = (version.get("subresources") or {}).get("scale")
    if scale is not None:
        yield from _scale(scale, f"{path}.subresources.scale")


def _column(column: Obj, path: str) -> Iterator[FieldError]:
    if not column.get("name"):
        yield fields.required(f"{path}.name")
    kind = column.get("type") or ""
    allowed = f"must be one of {','.join(TYPES)}"
    if not kind:
        yield fields.required(f"{path}.type", allowed)
    elif kind not in TYPES:
        yield fields.invalid(f"{path}.type", kind, allowed)
    yield from _path(column.get("jsonPath") or "", f"{path}.jsonPath")


def _path(text: str, path: str) -> Iterator[FieldError]:
    if not text:
        yield fields.required(path)
        return
    try:
        steps(text)
    except PathError as error:
        yield fields.invalid(path, text, f"is an invalid json path: {error}")


def _scale(scale: Obj, path: str) -> Iterator[FieldError]:
    for name, starts, why in _SCALE_PATHS:
        text = scale.get(name) or ""
        if text and not text.startswith(starts):
            yield fields.invalid(f"{path}.{name}", text, why)
        elif text or name != "labelSelectorPath":
            yield from _path(text, f"{path}.{name}")
