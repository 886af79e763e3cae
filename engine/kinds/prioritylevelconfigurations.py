"""PriorityLevelConfiguration (pkg/apis/flowcontrol: v1/defaults.go, validation)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import change_at, fill
from engine.kinds.common.rules import one_of

_QUEUING = {"queues": 64, "handSize": 8, "queueLengthLimit": 50}


def _response(response: Obj) -> Obj:
    return change_at(response, "queuing", lambda queuing: fill(queuing, _QUEUING))


def _limited(limited: Obj) -> Obj:
    limited = fill(limited, {"nominalConcurrencyShares": 30, "lendablePercent": 0, "limitResponse": {"type": "Reject"}})
    return change_at(limited, "limitResponse", _response)


def _defaults(obj: Obj) -> Obj:
    def spec_of(spec: Obj) -> Obj:
        spec = change_at(spec, "limited", _limited)
        return change_at(spec, "exempt", lambda e: fill(e, {"nominalConcurrencyShares": 0, "lendablePercent": 0}))

    return change_at(obj, "spec", spec_of)


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    kind = spec.get("type")
    found = one_of(kind, "spec.type", ("Exempt", "Limited"))
    if kind == "Limited" and spec.get("limited") is None:
        found.append(fields.required("spec.limited", 'must not be empty when type is "Limited"'))
    if kind == "Exempt" and spec.get("limited") is not None:
        found.append(fields.forbidden("spec.limited", "must be nil if the type is not Limited"))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    part = spec.get("limited") or spec.get("exempt") or {}
    queuing = (part.get("limitResponse") or {}).get("queuing") or {}
    shown = [queuing.get(name, tables.NONE) for name in ("queues", "handSize", "queueLengthLimit")]
    return [name_of(obj), spec.get("type") or "", part.get("nominalConcurrencyShares", tables.NONE), *shown, tables.age(obj, now)]


KIND = Kind(
    group="flowcontrol.apiserver.k8s.io",
    versions=("v1",),
    kind="PriorityLevelConfiguration",
    plural="prioritylevelconfigurations",
    namespaced=False,
    status=True,
    has_generation=True,
    defaults=_defaults,
    prepare_create=fresh_status(),
    prepare_update=keep_status,
    validate=validating(False, names.dns_subdomain, _rules),
    columns=(
        tables.NAME,
        tables.text("Type"),
        *(tables.text(n) for n in ("NominalConcurrencyShares", "Queues", "HandSize", "QueueLengthLimit")),
        tables.AGE,
    ),
    cells=_cells,
)
