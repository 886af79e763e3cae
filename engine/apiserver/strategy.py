"""What a kind's strategy does to an object between admission and the store (apiserver/pkg/registry/rest/create.go and update.go)."""

from collections.abc import Sequence
from typing import Any

from engine.apiserver.context import Call, Context
from engine.apiserver.parts import PARTS, part_errors
from engine.base.api import User
from engine.base.errors import invalid
from engine.base.fields import FieldError
from engine.base.objects import Obj, annotations_of, name_of
from engine.kinds.common import names
from engine.kinds.common.metadata import validate_create, validate_update
from engine.kinds.common.model import Kind, no_errors

_FILLED_BY_SERVER = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "resourceVersion",
    "generation",
)
_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink")
_EMPTY_IS_ABSENT = ("labels", "annotations", "ownerReferences", "finalizers", "generateName", "managedFields")

SIGNING_REQUESTS = "certificatesigningrequests.certificates.k8s.io"

NO_UNCONDITIONAL_UPDATE = frozenset(
    {
        "customresourcedefinitions.apiextensions.k8s.io",
        "csidrivers.storage.k8s.io",
        "csinodes.storage.k8s.io",
        "volumeattachments.storage.k8s.io",
        "leases.coordination.k8s.io",
        "poddisruptionbudgets.policy",
        "runtimeclasses.node.k8s.io",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io",
        "apiservices.apiregistration.k8s.io",
        "flowschemas.flowcontrol.apiserver.k8s.io",
        "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
    }
)
"""Kinds whose updates must name the resourceVersion they are based on (AllowUnconditionalUpdate of their strategies)."""

CREATED_BY_UPDATE = frozenset(
    {
        "endpoints",
        "events",
        "events.events.k8s.io",
        "leases.coordination.k8s.io",
        "limitranges",
        "services",
        "clusterroles.rbac.authorization.k8s.io",
        "clusterrolebindings.rbac.authorization.k8s.io",
        "roles.rbac.authorization.k8s.io",
        "rolebindings.rbac.authorization.k8s.io",
    }
)
"""Kinds that an update creates where they do not exist (AllowCreateOnUpdate)."""


def tidy_metadata(metadata: Obj) -> Obj:
    """metadata without empty lists and maps, as encoding leaves them out; itself where there are none."""
    for name in _EMPTY_IS_ABSENT:
        if name in metadata and not metadata[name]:
            return {k: v for k, v in metadata.items() if v or k not in _EMPTY_IS_ABSENT}
    return metadata


def prepared_create(ctx: Context, call: Call, obj: Obj, name: str) -> Obj:
    """The object as it will be created: system fields of metadata filled, status as the kind starts with it.

    The empty resourceVersion keeps the place where the store puts the real one.
    """
    kind, user = call.kind, call.request.user
    given = obj.get("metadata") or {}
    metadata: dict[str, Any] = {"name": name}
    if given.get("generateName"):
        metadata["generateName"] = given["generateName"]
    if kind.namespaced:
        metadata["namespace"] = call.namespace
    metadata["uid"] = ctx.world.ids.uid()
    metadata["resourceVersion"] = ""
    if kind.has_generation:
        metadata["generation"] = 1
    metadata["creationTimestamp"] = ctx.time()
    for field, value in given.items():
        if field not in metadata and value and field != "namespace" and field not in _FILLED_BY_SERVER:
            metadata[field] = value
    if kind.resource == SIGNING_REQUESTS:
        obj = _signed_by(obj, user)
    return kind.prepare_create({**obj, "metadata": metadata})


def _signed_by(obj: Obj, user: User) -> Obj:
    """A signing request says who made it, whatever was sent (pkg/registry/certificates/certificates/strategy.go)."""
    spec: dict[str, Any] = {**(obj.get("spec") or {}), "username": user.name, "groups": list(user.groups)}
    for name, value in (("uid", user.uid), ("extra", {key: list(values) for key, values in user.extra.items()})):
        spec.pop(name, None)
        if value:
            spec[name] = value
    return {**obj, "spec": spec}


def check_create(call: Call, obj: Obj) -> None:
    """Validate a new object, and gather warnings.

    Raises:
        StatusError: 422.
    """
    kind = call.kind
    errors = kind.validate(obj, None)
    if kind.validate is no_errors:
        errors = validate_create(obj, kind.namespaced, names.dns_subdomain)
    if errors:
        raise invalid(kind.kind, kind.group, name_of(obj), errors)
    for text in kind.warnings(obj, None):
        call.warn(text)


def prepared_update(kind: Kind, subresource: str, obj: Obj, old: Obj) -> Obj:
    """The new version of `old`: metadata that only the server writes is kept, spec and status each change through their own resource."""
    metadata = _kept_metadata(obj.get("metadata") or {}, old["metadata"])
    part = PARTS.get(subresource)
    if part is not None:
        made = part(obj, old)
        made = made if metadata is old["metadata"] else {**made, "metadata": metadata}
        return made if subresource == "status" else _counted(kind, made, old)
    made = obj if metadata is obj.get("metadata") else {**obj, "metadata": metadata}
    if kind.status and made.get("status") is not old.get("status"):
        made = {name: value for name, value in made.items() if name != "status"}
        if "status" in old:
            made = {**made, "status": old["status"]}
    if kind.prepare_update is not None:
        made = kind.prepare_update(made, old)
    return _counted(kind, made, old)


def _counted(kind: Kind, obj: Obj, old: Obj) -> Obj:
    """The object with the next generation where its content differs from the old one's."""
    if not kind.has_generation or not _content_differs(kind, obj, old):
        return obj
    generation = (old["metadata"].get("generation") or 0) + 1
    return {**obj, "metadata": {**obj["metadata"], "generation": generation}}


def _kept_metadata(metadata: Obj, old: Obj) -> Obj:
    if metadata is old:
        return metadata
    fixed = {field: old[field] for field in _KEPT if field in old and metadata.get(field) != old[field]}
    dropped = [field for field in _KEPT if field not in old and field in metadata]
    if metadata.get("resourceVersion") != old["resourceVersion"]:
        fixed["resourceVersion"] = old["resourceVersion"]
    for field in ("name", "namespace"):
        if field in old and field not in metadata:
            fixed[field] = old[field]
    if fixed or dropped:
        metadata = {**{k: v for k, v in metadata.items() if k not in dropped}, **fixed}
    return tidy_metadata(metadata)


def _content_differs(kind: Kind, obj: Obj, old: Obj) -> bool:
    """Whether anything but metadata and status changed; of a Deployment annotations count as well (they go to its ReplicaSets)."""
    if kind.resource == "deployments.apps" and annotations_of(obj) != annotations_of(old):
        return True
    names = obj.keys() | old.keys()
    apart = ("metadata", "status") if kind.status or not kind.is_custom else ("metadata",)
    return any(obj.get(n) is not old.get(n) and obj.get(n) != old.get(n) for n in names if n not in apart)


def check_update(call: Call, obj: Obj, old: Obj) -> None:
    """Validate the new version of an object, and gather warnings.

    Raises:
        StatusError: 422. Errors of metadata stand twice among the causes, as upstream checks it for every kind and in each kind's rules.
    """
    kind = call.kind
    errors: Sequence[FieldError]
    if call.subresource in PARTS:
        errors = part_errors(kind, call.subresource, obj, old)
    elif kind.validate is no_errors:
        errors = validate_update(obj, old)
    else:
        errors = kind.validate(obj, old)
    if errors:
        twice = [error for error in errors if error.field.startswith("metadata.")]
        raise invalid(kind.kind, kind.group, name_of(obj), [*twice, *errors])
    if not call.subresource:
        for text in kind.warnings(obj, old):
            call.warn(text)
