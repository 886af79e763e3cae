"""Secret (pkg/apis/core/v1/defaults.go SetDefaults_Secret, conversion of stringData, ValidateSecret)."""

import base64
import binascii
from typing import Any

import orjson

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, annotations_of, name_of
from engine.kinds.common import keyed, names, tables
from engine.kinds.common.lifecycle import text_at
from engine.kinds.common.metadata import immutable, validating
from engine.kinds.common.model import Kind

SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name"
_REQUIRED_KEYS = {"kubernetes.io/ssh-auth": ("ssh-privatekey",), "kubernetes.io/tls": ("tls.crt", "tls.key")}
_JSON_KEYS = {"kubernetes.io/dockercfg": ".dockercfg", "kubernetes.io/dockerconfigjson": ".dockerconfigjson"}


def _defaults(obj: Obj) -> Obj:
    texts = obj.get("stringData")
    if texts is not None:
        data = {**(obj.get("data") or {}), **{key: keyed.encode(text or "") for key, text in texts.items()}}
        obj = {**{k: v for k, v in obj.items() if k != "stringData"}, "data": data}
    obj = keyed.compact_maps(obj, "data")
    return obj if obj.get("type") else {**obj, "type": "Opaque"}


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    data = obj.get("data") or {}
    found: list[FieldError] = []
    if old is not None:
        found += immutable(obj.get("type"), old.get("type"), "type")
        found += keyed.validate_immutable(obj, old, "data")
    keys, size = keyed.validate_keys(data, "data", text=False)
    return found + keys + keyed.validate_size(size, "data") + _by_type(obj, data)


def _by_type(obj: Obj, data: Obj) -> list[FieldError]:
    kind = obj.get("type") or ""
    if kind == "kubernetes.io/service-account-token":
        named = annotations_of(obj).get(SERVICE_ACCOUNT_NAME)
        return [] if named else [fields.required(f"metadata.annotations[{SERVICE_ACCOUNT_NAME}]")]
    if kind == "kubernetes.io/basic-auth":
        if "username" in data or "password" in data:
            return []
        return [fields.required("data[username]"), fields.required("data[password]")]
    if kind in _JSON_KEYS:
        key = _JSON_KEYS[kind]
        if key not in data:
            return [fields.required(f"data[{key}]")]
        return [] if _is_json(data[key]) else [fields.invalid(f"data[{key}]", "<secret contents redacted>", "invalid JSON")]
    return [fields.required(f"data[{key}]") for key in _REQUIRED_KEYS.get(kind, ()) if key not in data]


def _is_json(encoded: str) -> bool:
    try:
        return isinstance(orjson.loads(base64.b64decode(encoded)), dict)
    except (orjson.JSONDecodeError, binascii.Error):
        return False


def _cells(obj: Obj, now: float) -> list[Any]:
    return [name_of(obj), obj.get("type") or "", len(obj.get("data") or {}), tables.age(obj, now)]


KIND = Kind(
    group="",
    versions=("v1",),
    kind="Secret",
    plural="secrets",
    namespaced=True,
    defaults=_defaults,
    validate=validating(True, names.dns_subdomain, _rules),
    columns=(tables.NAME, tables.text("Type"), tables.text("Data"), tables.AGE),
    cells=_cells,
    field_values={"type": text_at("type")},
)
