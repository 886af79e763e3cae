"""Types as structured-merge-diff sees them: what of a value is a leaf, and what its elements are called.

A `Shape` is made once per type and field, and holds what the walks in `typed` and `merging` need, names of path elements included.
(structured-merge-diff schema/elements.go, typed/helpers.go)
"""

from typing import Any

import orjson

from engine.schema.types import FieldInfo, TypeInfo

SCALAR, ATOMIC, STRUCT, MAP, KEYED, SET, DEDUCED = range(7)
"""How a value is walked. ATOMIC is a list or an object that is one leaf; STRUCT and MAP differ in who names their fields; KEYED is a list
by keys; DEDUCED has no schema: objects are maps, lists atomic."""

_GO_SCALARS = {
    "string": "string",
    "bytes": "string",
    "time": "string",
    "microtime": "string",
    "int32": "numeric",
    "int64": "numeric",
    "double": "numeric",
    "bool": "boolean",
}


class TypedError(Exception):
    """A value does not have the form that its type asks for; the text is upstream's."""


class Shape:
    """How values of one type are walked."""

    __slots__ = ("_element", "_field", "_fields", "_type", "defaults", "keys", "mode", "scalar")

    def __init__(self, field: FieldInfo | None, mode: int) -> None:
        self.mode = mode
        self.scalar = _GO_SCALARS.get(field.scalar, "") if field else ""
        """`string`, `numeric`, `boolean`, or empty: any scalar."""
        self.keys: tuple[str, ...] = tuple(sorted(field.list_map_keys)) if field else ()
        self.defaults: dict[str, Any] = {}
        self._field = field
        self._type: TypeInfo | None = field.type if field and mode == STRUCT else None
        self._fields: dict[str, tuple[str, Shape]] = {}
        self._element: Shape | None = None
        if mode == KEYED and field and field.element and field.element.type:
            infos = field.element.type.fields
            self.defaults = {key: infos[key].default for key in self.keys if key in infos and infos[key].default is not None}

    @property
    def is_list(self) -> bool:
        """Whether values are lists; told apart only for those that are one leaf."""
        return self._field is not None and self._field.kind == "list"

    @property
    def element(self) -> "Shape":
        """Of what is in a map or list."""
        if self._element is None:
            inner = self._field.element if self._field else None
            self._element = _shape(inner) if inner else DEDUCED_SHAPE
        return self._element

    def child(self, name: str) -> tuple[str, "Shape"]:
        """The path element and shape of a field; for names that the schema does not know as well."""
        found = self._fields.get(name)
        if found is not None:
            return found
        info = self._type.fields.get(name) if self._type else None
        if info is not None:
            found = self._fields[name] = (f"f:{name}", _shape(info))
            return found
        if self.mode == STRUCT:
            return f"f:{name}", DEDUCED_SHAPE
        return f"f:{name}", self.element

    @property
    def is_open(self) -> bool:
        """Whether fields may be there that the schema does not name: a custom resource that preserves unknown fields."""
        return self._type is not None and self._type.preserve

    def declares(self, name: str) -> bool:
        """Whether the schema names this field."""
        return self._type is not None and name in self._type.fields

    def items(self, values: list[Any]) -> list[tuple[str, Any]]:
        """The elements of a list with their path elements.

        Raises:
            TypedError: an element lacks a key, or cannot be one of a set.
        """
        if self.mode == SET:
            return [(_set_element(i, value), value) for i, value in enumerate(values)]
        if len(self.keys) == 1 and not self.defaults:
            return self._items_by_name(self.keys[0], values)
        return [(self._keyed_element(i, value), value) for i, value in enumerate(values)]

    def _items_by_name(self, key: str, values: list[Any]) -> list[tuple[str, Any]]:
        found = []
        for i, value in enumerate(values):
            text = value.get(key) if isinstance(value, dict) else None
            name = _NAMED.get((key, text)) if type(text) is str else None
            if name is None:
                name = self._keyed_element(i, value)
                if type(text) is str:
                    _remember(key, text, name)
            found.append((name, value))
        return found

    def _keyed_element(self, index: int, value: Any) -> str:
        if value is None:
            raise TypedError(f"element {index}: associative list with keys may not have a null element")
        if not isinstance(value, dict):
            raise TypedError(f"element {index}: associative list with keys may not have non-map elements")
        keys = {}
        for key in self.keys:
            if key in value:
                keys[key] = value[key]
            elif key in self.defaults:
                keys[key] = self.defaults[key]
            else:
                why = f'associative list with keys has an element that omits key field "{key}" (and doesn\'t have default value)'
                raise TypedError(f"element {index}: {why}")
        return f"k:{orjson.dumps(keys).decode()}"


_NAMED: dict[tuple[str, str], str] = {}
_NAMED_MAX = 20_000


def _remember(key: str, text: str, name: str) -> None:
    if len(_NAMED) >= _NAMED_MAX:
        _NAMED.clear()
    _NAMED[key, text] = name


def _set_element(index: int, value: Any) -> str:
    if isinstance(value, dict):
        raise TypedError(f"element {index}: associative list without keys has an element that's a map type")
    if isinstance(value, list):
        raise TypedError(f"element {index}: not supported: associative list with lists as elements")
    if value is None:
        raise TypedError(f"element {index}: associative list without keys has an element that's an explicit null")
    return f"v:{orjson.dumps(value).decode()}"


DEDUCED_SHAPE = Shape(None, DEDUCED)

_by_field: dict[int, tuple[FieldInfo, Shape]] = {}
_by_type: dict[int, tuple[TypeInfo, Shape]] = {}


def _mode(field: FieldInfo) -> int:
    if field.kind == "scalar":
        return DEDUCED if field.scalar == "any" else SCALAR
    if field.kind == "list":
        return {"set": SET, "map": KEYED}.get(field.list_type, ATOMIC)
    if field.map_type == "atomic":
        return ATOMIC
    if field.kind == "map":
        return MAP
    info = field.type
    if info is None or info.map_type == "atomic" or (info.preserve and field.type_name):
        return ATOMIC
    return STRUCT if info.fields or not info.preserve else DEDUCED


def _shape(field: FieldInfo) -> Shape:
    found = _by_field.get(id(field))
    if found is None:
        found = _by_field[id(field)] = (field, Shape(field, _mode(field)))
    return found[1]


def shape_of(info: TypeInfo | None) -> Shape:
    """The shape of an API object; without a type, of one whose schema is not known."""
    if info is None:
        return DEDUCED_SHAPE
    found = _by_type.get(id(info))
    if found is None:
        found = _by_type[id(info)] = (info, Shape(FieldInfo(kind="object", own_type=info), STRUCT))
    return found[1]
