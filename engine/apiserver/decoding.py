"""From the body of a request to an object of the kind that its path names: JSON or YAML, checked against the schema.

apiserver/pkg/endpoints/handlers/create.go and rest.go; the texts are those of the JSON and strict decoders.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NoReturn

import orjson

from engine.apiserver.context import Call
from engine.apiserver.identity import IdentityMemo
from engine.apiserver.options import IGNORE, STRICT
from engine.base.api import JSON, YAML
from engine.base.errors import StatusError, bad_request, too_large, unsupported_media_type
from engine.base.limits import REQUEST_BODY_BYTES_MAX
from engine.base.objects import Obj
from engine.schema.types import OBJECT_META, FieldInfo, TypeInfo
from engine.schema.validators import SchemaResult, Validator, validate, validator_of

Check = Callable[[Obj], SchemaResult]

_UNKNOWN_FORMAT = (
    "the body of the request was in an unknown format - accepted media types include: "
    "application/json, application/yaml, application/vnd.kubernetes.protobuf"
)
_NOT_AN_OBJECT = (
    "json: cannot unmarshal {} into Go value of type struct "
    '{{ APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }}'
)
_JSON_TYPES: Mapping[type, str] = {dict: "object", list: "array", str: "string", int: "number", float: "number", bool: "bool"}


@cache
def _untyped() -> Validator:
    """For kinds whose fields are in no table (our own): metadata has its rules, spec and status are objects."""
    anything = FieldInfo(kind="map", element=FieldInfo(scalar="any"))
    fields = {
        "apiVersion": FieldInfo(scalar="string"),
        "kind": FieldInfo(scalar="string"),
        "metadata": FieldInfo(kind="object", type_name=OBJECT_META),
        "spec": anything,
        "status": anything,
    }
    return Validator(TypeInfo("Untyped", fields))


class Decoder:
    """Decodes bodies, and remembers by identity which parts of objects are known to fit the schema."""

    def __init__(self) -> None:
        self._specs: dict[tuple[str, str], tuple[Check, IdentityMemo[Obj]]] = {}

    def decode(self, call: Call, field_validation: str, old: Obj | None = None) -> Obj:
        """The object in the body, with apiVersion and kind, without unknown fields; duplicate and unknown ones warn or fail.

        `old` is the version before, in the version of the path: what a caller in this process took over from it is not looked at again.

        Raises:
            StatusError: 400 malformed or of another kind, 413, 415.
        """
        body, problems = read_body(call, field_validation)
        obj = self._as_kind(call, body)
        return self.check(call, obj, field_validation, old, problems)

    def check(self, call: Call, obj: Obj, field_validation: str, old: Obj | None = None, problems: list[str] | None = None) -> Obj:
        """`obj` without unknown fields; parts that are the same objects as in `old` are known to be valid.

        Raises:
            StatusError: 400, a field has the wrong type, or there are unknown fields and validation is strict.
        """
        kind = call.kind
        validator = kind.decode or validator_of(kind.group, call.version, kind.kind) or _untyped()
        entry = self._specs.get((kind.resource, call.version))
        if entry is None or entry[0] is not validator:
            entry = self._specs[kind.resource, call.version] = (validator, IdentityMemo())
        known = entry[1]
        suspects = obj if old is None else {name: value for name, value in obj.items() if old.get(name) is not value}
        spec = suspects.get("spec")
        decoded_spec = known.get(spec) if spec is not None else None
        metadata = suspects.get("metadata") or {}
        is_managed = isinstance(metadata, dict) and "managedFields" in metadata
        if decoded_spec is not None or is_managed:
            suspects = {name: value for name, value in suspects.items() if name != "spec" or decoded_spec is None}
            if is_managed:
                suspects["metadata"] = {name: value for name, value in metadata.items() if name != "managedFields"}
        result = validator(suspects)
        if result.errors:
            raise _unfit(call, result.errors[0])
        found = [*(problems or ()), *(f'unknown field "{at}"' for at in result.unknown)]
        if found and field_validation == STRICT:
            raise _unfit(call, f"strict decoding error: {', '.join(found)}")
        if field_validation != IGNORE:
            for problem in found:
                call.warn(problem)
        made = obj if result.obj is suspects else _reassembled(obj, suspects, result.obj)
        if decoded_spec is not None:
            return made if decoded_spec is spec else {**made, "spec": decoded_spec}
        if isinstance(spec, dict) and "spec" in made:
            known.put(spec, made["spec"])
        return made

    def _as_kind(self, call: Call, body: Any) -> Obj:
        kind = call.kind
        if not isinstance(body, dict):
            detail = _NOT_AN_OBJECT.format(_JSON_TYPES.get(type(body), "null"))
            raise _unrecognized(kind.kind, f"{detail} ({orjson.dumps(body).hex()})")
        given_kind, given_version = body.get("kind"), body.get("apiVersion")
        if given_kind == kind.kind and given_version == call.api_version:
            return body
        for field, given in (("kind", given_kind), ("apiVersion", given_version)):
            if not isinstance(given, str | None):
                raise _unrecognized(
                    kind.kind, f"json: cannot unmarshal {_JSON_TYPES[type(given)]} into Go struct field .{field} of type string"
                )
        if given_kind and given_kind != kind.kind:
            _other_kind(call, given_kind, given_version or call.api_version)
        if given_version and given_version != call.api_version:
            raise bad_request(f"the API version in the data ({given_version}) does not match the expected API version ({call.api_version})")
        return {"kind": kind.kind, "apiVersion": call.api_version, **{k: v for k, v in body.items() if k not in ("kind", "apiVersion")}}


def _reassembled(obj: Obj, suspects: Obj, decoded: Obj) -> Obj:
    """`obj` with the parts that decoding changed; managedFields are not decoded here."""
    made = {name: decoded.get(name, value) for name, value in obj.items() if name in decoded or name not in suspects}
    managed = (obj.get("metadata") or {}).get("managedFields")
    if managed is not None and "metadata" in decoded:
        made["metadata"] = {**decoded["metadata"], "managedFields": managed}
    return made


def _unrecognized(kind: str, detail: str) -> StatusError:
    why = f"couldn't get version/kind; json parse error: {detail}"
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {why}")


def decode_as(call: Call, api_version: str, kind: str) -> Obj:
    """The body of a request whose path takes another kind than that of its resource: Binding, Eviction, Scale.

    Raises:
        StatusError: 400, 413, 415.
    """
    body, _ = read_body(call, IGNORE)
    return fitted(body, api_version, kind)


def fitted(body: Any, api_version: str, kind: str) -> Obj:
    """JSON values as an object of one of Kubernetes' kinds, with apiVersion and kind.

    Raises:
        StatusError: 400.
    """
    if not isinstance(body, dict) or body.get("kind", kind) != kind:
        raise bad_request(f"the object provided is unrecognized (must be of type {kind})")
    group, _, version = api_version.rpartition("/")
    result = validate(group, version, kind, body)
    if result.errors:
        raise bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {result.errors[0]}')
    return {"kind": kind, "apiVersion": api_version, **{k: v for k, v in result.obj.items() if k not in ("kind", "apiVersion")}}


def _unfit(call: Call, detail: str) -> StatusError:
    kind = call.kind.kind
    return bad_request(f'{kind} in version "{call.version}" cannot be handled as a {kind}: {detail}')


def _other_kind(call: Call, kind: str, api_version: str) -> NoReturn:
    version = api_version.rpartition("/")[2]
    internal = call.kind.group.partition(".")[0] or "core"
    raise bad_request(
        f'{kind} in version "{version}" cannot be handled as a {call.kind.kind}: '
        f"converting ({version}.{kind}) to ({internal}.{call.kind.kind}): unknown conversion"
    )


def read_body(call: Call, field_validation: str) -> tuple[Any, list[str]]:
    """The body as JSON values, and the duplicate fields in it (as texts of problems).

    Raises:
        StatusError: 400, 413, 415.
    """
    request = call.request
    body = request.body
    content_type = request.content_type.partition(";")[0].strip()
    if content_type not in (JSON, YAML, ""):
        raise unsupported_media_type(_UNKNOWN_FORMAT)
    if not isinstance(body, bytes | bytearray | str):
        return body, []
    raw = body.encode() if isinstance(body, str) else bytes(body)
    if len(raw) > REQUEST_BODY_BYTES_MAX:
        raise too_large(f"Request entity too large: limit is {REQUEST_BODY_BYTES_MAX}")
    if content_type == YAML:
        return read_yaml(raw, "error converting YAML to JSON: "), []
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _unrecognized(call.kind.kind, f"{json_error(raw, error)} ({_shown(raw)})") from None
    return value, [] if field_validation == IGNORE else duplicate_fields(raw)


def _shown(raw: bytes) -> str:
    """What upstream quotes of a body that it cannot read: the text, or hexadecimal where it looks binary."""
    head = raw[:1024]
    return head.decode(errors="replace") if head[:1] == b"{" else head.hex()


def json_error(raw: bytes, error: json.JSONDecodeError) -> str:
    """The text of Go's encoding/json for a syntax error."""
    text = raw.decode(errors="replace")
    if "end of" in error.msg or error.pos >= len(text.rstrip()):
        return "unexpected end of JSON input"
    return f"invalid character {_quoted(text[error.pos])} looking for beginning of value"


def _quoted(character: str) -> str:
    return f"'{character}'" if character.isprintable() else f"'\\x{ord(character):02x}'"


def duplicate_fields(raw: bytes) -> list[str]:
    """`duplicate field "data.a"` for each name that an object has twice, with its path."""
    if raw.count(b'"') < 8:
        return []
    marked: list[tuple[Any, str]] = []

    def gather(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            seen: set[str] = set()
            for name, _ in pairs:
                if name in seen:
                    marked.append((made, name))
                seen.add(name)
        return made

    tree = json.loads(raw, object_pairs_hook=gather)
    if not marked:
        return []
    found: list[str] = []
    _locate(tree, "", marked, found)
    return list(dict.fromkeys(found))


def _locate(node: Any, at: str, marked: list[tuple[Any, str]], found: list[str]) -> None:
    if isinstance(node, dict):
        found.extend(f'duplicate field "{at}{name}"' for owner, name in marked if owner is node)
        for name, value in node.items():
            _locate(value, f"{at}{name}.", marked, found)
    elif isinstance(node, list):
        for i, value in enumerate(node):
            _locate(value, f"{at.rstrip('.')}[{i}].", marked, found)


def read_yaml(raw: bytes, prefix: str) -> Any:
    """The one document of a YAML text as JSON values; `prefix` starts the text of a syntax error.

    Raises:
        StatusError: 400.
    """
    import yaml

    try:
        return _text_keyed(yaml.load(raw, _yaml_loader()))
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", "") or str(error)
        raise bad_request(f"error decoding YAML: {prefix}yaml: {problem.replace('here', 'in this context')}") from None


def _text_keyed(value: Any) -> Any:
    """A YAML value with texts for keys, as JSON has them (convertToJSONableObject in sigs.k8s.io/yaml)."""
    if isinstance(value, list):
        return [_text_keyed(element) for element in value]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(key, bool):
            key = "true" if key else "false"
        elif not isinstance(key, str | int | float):
            raise bad_request(f"error decoding YAML: error converting YAML to JSON: unsupported map key of type: {type(key).__name__}")
        made[str(key)] = _text_keyed(inner)
    return made


def _yaml_loader() -> Any:
    """The safe loader without timestamps: JSON has none, times are strings."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in base.yaml_implicit_resolvers.items()
    }
    loader: Any = type("JsonValuesLoader", (base,), {"yaml_implicit_resolvers": resolvers})
    loader.add_constructor("tag:yaml.org,2002:int", _json_int)
    return loader


def _json_int(loader: Any, node: Any) -> int | float:
    """An integer as JSON reads it: one of more than 64 bits is a float."""
    import yaml

    try:
        value: int = loader.construct_yaml_int(node)
        return value if -(2**63) <= value < 2**64 else float(value)
    except (ValueError, OverflowError):
        raise yaml.constructor.ConstructorError(None, None, "number out of range", node.start_mark) from None


def mismatched_name(given: str, wanted: str) -> StatusError:
    """The body's name is not the path's."""
    return bad_request(f"the name of the object ({given}) does not match the name on the URL ({wanted})")
