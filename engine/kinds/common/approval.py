"""Groups that are the Kubernetes project's own: definitions in them say who approved (apiextensions/helpers.go GetAPIApprovalState)."""

from typing import NamedTuple
from urllib.parse import urlsplit

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, annotations_of

ANNOTATION = "api-approved.kubernetes.io"
_SEE = "see https://github.com/kubernetes/enhancements/pull/1111"
_MUST = f'protected groups must have approval annotation "{ANNOTATION}"'
_PATH = f"metadata.annotations[{ANNOTATION}]"


class Approval(NamedTuple):
    """What the annotation of a definition in a protected group says; `status` and `reason` are those of its condition."""

    status: str
    reason: str
    message: str


def approval_of(definition: Obj) -> Approval | None:
    """Of a definition in a protected group; None in any other."""
    group = (definition.get("spec") or {}).get("group") or ""
    if not any(group == own or group.endswith(f".{own}") for own in ("k8s.io", "kubernetes.io")):
        return None
    text = annotations_of(definition).get(ANNOTATION) or ""
    if not text:
        return Approval("False", "MissingAnnotation", f"{_MUST}, {_SEE}")
    if text.startswith("unapproved"):
        return Approval("False", "UnapprovedAnnotation", f'not approved: "{text}"')
    url = urlsplit(text)
    if url.scheme and url.netloc:
        return Approval("True", "ApprovedAnnotation", f"approved in {text}")
    return Approval("False", "InvalidAnnotation", f'{_MUST} with either a URL or a reason starting with "unapproved", {_SEE}')


def approval_errors(definition: Obj, old: Obj | None) -> list[FieldError]:
    """A definition whose annotation is new, or changed, has a proper one."""
    text = annotations_of(definition).get(ANNOTATION) or ""
    found = approval_of(definition)
    if found is None or (old is not None and (annotations_of(old).get(ANNOTATION) or "") == text):
        return []
    if found.reason == "MissingAnnotation":
        return [fields.required(_PATH, found.message)]
    return [fields.invalid(_PATH, text, found.message)] if found.reason == "InvalidAnnotation" else []
