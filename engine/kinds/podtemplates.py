"""PodTemplate (ValidatePodTemplate)."""

from typing import Any

from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podrules import template_labels, validate_template
from engine.kinds.common.podspec import with_template
from engine.kinds.common.podwarnings import template_warnings


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    return validate_template(obj.get("template") or {}, "template")


def _cells(obj: Obj, now: float) -> list[Any]:
    template = obj.get("template") or {}
    return [name_of(obj), *tables.containers_and_images(template.get("spec") or {}), tables.labels(template_labels(template))]


KIND = Kind(
    group="",
    versions=("v1",),
    kind="PodTemplate",
    plural="podtemplates",
    namespaced=True,
    has_generation=True,
    defaults=lambda obj: with_template(obj, "template"),
    validate=validating(True, names.dns_subdomain, _rules),
    warnings=template_warnings("template", "spec"),
    columns=(tables.NAME, tables.text("Containers"), tables.text("Images"), tables.text("Pod Labels")),
    cells=_cells,
)
