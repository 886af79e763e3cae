"""ControllerRevisions: the templates that a StatefulSet or DaemonSet had (pkg/controller/history/controller_history.go)."""

from collections.abc import Iterable
from typing import Any

from engine.base.objects import Obj, annotations_of, controller_ref, name_of, namespace_of
from engine.control.read import Read
from engine.control.templates import hash_of

RESOURCE = "controllerrevisions.apps"
NAME_CHARS_MAX = 223
"""ControllerRevisionName: what is kept of the owner's name before the hash."""


def number_of(revision: Obj) -> int:
    """How late it was current; a rollback makes an old one the newest."""
    return int(revision.get("revision") or 0)


def oldest_first(revisions: Iterable[Obj]) -> list[Obj]:
    """By number, then time of creation, then name (SortControllerRevisions)."""
    return sorted(revisions, key=lambda r: (number_of(r), r["metadata"].get("creationTimestamp") or "", name_of(r)))


def data_of(template: Obj) -> Obj:
    """What a revision keeps of a template: a strategic merge patch that brings it back (getPatch)."""
    return {"spec": {"template": {**template, "$patch": "replace"}}}


def template_of(revision: Obj) -> Obj:
    """The template that a revision keeps."""
    return {k: v for k, v in revision["data"]["spec"]["template"].items() if k != "$patch"}


def keeps(revision: Obj, template: Obj) -> bool:
    """Whether a revision keeps this template."""
    kept = ((revision.get("data") or {}).get("spec") or {}).get("template") or {}
    if len(kept) != len(template) + 1 or kept.get("spec") != template.get("spec"):
        return False
    return all(kept.get(name) == value for name, value in template.items())


def free_hash(owner: Obj, collisions: int | None, read: Read) -> tuple[str, int | None]:
    """(hash of the owner's template, collisions): a name that is taken counts as a collision, and the hash is another one then."""
    while True:
        template_hash = hash_of(owner["spec"]["template"], collisions)
        if read.get(RESOURCE, namespace_of(owner), revision_name(owner, template_hash)) is None:
            return template_hash, collisions
        collisions = (collisions or 0) + 1


def revision_name(owner: Obj, template_hash: str) -> str:
    """`<owner>-<hash>`."""
    return f"{name_of(owner)[:NAME_CHARS_MAX]}-{template_hash}"


def new_revision(owner: Obj, number: int, hash_label: str, template_hash: str) -> Obj:
    """The revision of the owner's template, with the template's labels, the owner's annotations and the hash under `hash_label`."""
    template = owner["spec"]["template"]
    metadata: dict[str, Any] = {
        "name": revision_name(owner, template_hash),
        "namespace": namespace_of(owner),
        "labels": {**((template.get("metadata") or {}).get("labels") or {}), hash_label: template_hash},
        "ownerReferences": [controller_ref(owner)],
    }
    if annotations_of(owner):
        metadata["annotations"] = annotations_of(owner)
    return {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": metadata, "data": data_of(template), "revision": number}
