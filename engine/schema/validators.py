"""Whether objects fit their type: a compiled validator says yes in microseconds; for the rest `decoding` says what and makes it fit."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.base.objects import Obj
from engine.schema.decoding import Decoder
from engine.schema.scalars import INT_RANGES, READERS
from engine.schema.types import FieldInfo, TypeInfo, type_of

if TYPE_CHECKING:
    from pydantic_core import CoreSchema, SchemaValidator


class SchemaResult(NamedTuple):
    """What came of decoding an object into its type."""

    obj: Obj
    """The object as the server keeps it: without unknown and empty fields, scalars in canonical form; itself where it is so."""
    errors: tuple[str, ...] = ()
    """Go's message where the object does not fit: `json: cannot unmarshal string into Go struct field …`. Empty: it fits."""
    unknown: tuple[str, ...] = ()
    """Paths of unknown fields as errors print them, in the order of the document: `spec.containers[0].foo`."""


class Validator:
    """Decodes objects of one type. Compiling it takes milliseconds, so `validator_of` makes each once, when it is needed."""

    def __init__(self, info: TypeInfo) -> None:
        self.info = info
        self.fits = _compile(info).isinstance_python
        """Whether an object needs no change (a negative number where zero is dropped takes the slow way, too)."""

    def __call__(self, obj: Obj) -> SchemaResult:
        """The object as the server keeps it, or what is wrong with it. Nothing is required: that is the kinds' validation."""
        if self.fits(obj):
            return SchemaResult(obj)
        decoder = Decoder()
        made = decoder.decode(self.info, obj)
        return SchemaResult(made, (decoder.error,) if decoder.error else (), tuple(decoder.unknown))


@cache
def validator_of(group: str, version: str, kind: str) -> Validator | None:
    """The validator of a kind; None where Kubernetes has no such kind (a custom one: make a `Validator` of its TypeInfo)."""
    info = type_of(group, version, kind)
    return Validator(info) if info else None


def validate(group: str, version: str, kind: str, obj: Obj) -> SchemaResult:
    """Decode `obj` as `kind`.

    Raises:
        KeyError: Kubernetes has no such kind.
    """
    validator = validator_of(group, version, kind)
    if validator is None:
        raise KeyError(f"{group}/{version}/{kind}")
    return validator(obj)


def _canonical(scalar: str, empty: bool = True) -> Callable[[Any], Any]:
    """Accepts only what is already in its canonical form; anything else, and the empty string unless `empty`, is left to `decoding`."""
    read = READERS[scalar]

    def check(value: Any) -> Any:
        if read(value) is not value or not (value or empty):
            raise ValueError("not canonical")
        return value

    return check


def _present(value: Any) -> Any:
    """Accepts anything but null."""
    if value is None:
        raise ValueError("null")
    return value


def _true(value: Any) -> Any:
    """Accepts only true (a literal schema takes 1.0 for it)."""
    if value is not True:
        raise ValueError("not true")
    return value


_TIME = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d"


class _Compiler:
    """pydantic-core schemas of types; each type is defined once and referred to."""

    def __init__(self) -> None:
        from pydantic_core import core_schema

        self.cs = core_schema
        self.definitions: dict[str, CoreSchema] = {}
        string = core_schema.str_schema(strict=True)
        ints = {size: core_schema.int_schema(ge=low, le=high, strict=True) for size, (low, high) in INT_RANGES.items()}
        # `present`: scalars that are dropped when empty; a negative number takes the slow way.
        self.scalars: dict[str, CoreSchema] = {
            "string": string,
            "bool": core_schema.bool_schema(strict=True),
            "double": core_schema.float_schema(strict=True),
            "int_or_string": core_schema.union_schema([string, ints["int32"]], mode="left_to_right"),
            "time": core_schema.str_schema(pattern=_TIME + "Z$", strict=True),
            "microtime": core_schema.str_schema(pattern=_TIME + r"\.\d{6}Z$", strict=True),
            "bytes": core_schema.no_info_plain_validator_function(_canonical("bytes")),
            "quantity": core_schema.no_info_plain_validator_function(_canonical("quantity")),
            "any": core_schema.no_info_plain_validator_function(_present),
            **ints,
        }

        self.present: dict[str, CoreSchema] = {
            "string": core_schema.str_schema(min_length=1, strict=True),
            "bool": core_schema.no_info_plain_validator_function(_true),
            "bytes": core_schema.no_info_plain_validator_function(_canonical("bytes", empty=False)),
            "int32": core_schema.int_schema(ge=1, le=INT_RANGES["int32"][1], strict=True),
            "int64": core_schema.int_schema(ge=1, le=INT_RANGES["int64"][1], strict=True),
        }

    def field(self, field: FieldInfo) -> "CoreSchema":
        """The schema of a field's values that need no change."""
        schema = self._value(field)
        return self.cs.nullable_schema(schema) if field.null else schema

    def _value(self, field: FieldInfo) -> "CoreSchema":
        if field.kind == "scalar":
            return self.present[field.scalar] if field.omit else self.scalars[field.scalar]
        if field.kind == "object":
            return self.object(field.type)
        element = self.field(field.element) if field.element else self.scalars["any"]
        least = 1 if field.omit else 0
        if field.kind == "list":
            return self.cs.list_schema(element, min_length=least, strict=True)
        return self.cs.dict_schema(self.scalars["string"], element, min_length=least, strict=True)

    def object(self, info: TypeInfo | None) -> "CoreSchema":
        """The schema of an object type."""
        if info is None or info.preserve:
            return self.scalars["any"]
        ref = f"{info.name}#{id(info)}"
        if ref not in self.definitions:
            self.definitions[ref] = self.cs.any_schema()
            fields = {name: self.cs.typed_dict_field(self.field(field), required=False) for name, field in info.fields.items()}
            self.definitions[ref] = self.cs.typed_dict_schema(fields, extra_behavior="forbid", strict=True, ref=ref)
        return self.cs.definition_reference_schema(ref)


def _compile(info: TypeInfo) -> "SchemaValidator":
    from pydantic_core import SchemaValidator

    compiler = _Compiler()
    root = compiler.object(info)
    return SchemaValidator(compiler.cs.definitions_schema(root, list(compiler.definitions.values())))
