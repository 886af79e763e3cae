"""IngressClass (pkg/apis/networking/v1/defaults.go, ValidateIngressClass)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.metadata import once_set, validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import change_at, fill

CONTROLLER_LENGTH_MAX = 250


def _defaults(obj: Obj) -> Obj:
    return change_at(obj, "spec", lambda spec: change_at(spec, "parameters", lambda p: fill(p, {"scope": "Cluster"})))


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    controller = (obj.get("spec") or {}).get("controller") or ""
    if old is not None:
        return []
    if len(controller) > CONTROLLER_LENGTH_MAX:
        return [fields.too_long("spec.controller", CONTROLLER_LENGTH_MAX)]
    if not controller:
        return [fields.required("spec.controller")]
    domain, slash, path = controller.partition("/")
    if not slash or not domain or not path:
        return [fields.invalid("spec.controller", controller, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    return [fields.invalid("spec.controller", domain, e) for e in names.dns_subdomain(domain)]


def _cells(obj: Obj, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    ref = spec.get("parameters")
    shown = tables.NONE
    if ref is not None:
        kind = f"{ref.get('kind')}.{ref['apiGroup']}" if ref.get("apiGroup") else ref.get("kind")
        shown = f"{kind}/{ref.get('name')}"
    return [name_of(obj), spec.get("controller") or "", shown, tables.age(obj, now)]


KIND = Kind(
    group="networking.k8s.io",
    versions=("v1",),
    kind="IngressClass",
    plural="ingressclasses",
    namespaced=False,
    has_generation=True,
    defaults=_defaults,
    validate=validating(False, names.dns_subdomain, _rules, once_set(("spec", "controller"))),
    columns=(tables.NAME, tables.text("Controller"), tables.text("Parameters"), tables.AGE),
    cells=_cells,
)
