"""Adoption and release: which objects belong to a controller (pkg/controller/controller_ref_manager.go)."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.base.api import STRATEGIC_PATCH
from engine.base.objects import Obj, controller_of, controller_ref, is_terminating, labels_of, name_of, namespace_of, uid_of
from engine.base.selectors import Selector
from engine.control.actions import Action, Check, Patch


@dataclass(frozen=True, slots=True)
class Claim:
    """`objects` belong to the owner once `actions` are done: the adoptions (after a fresh look at the owner) and releases."""

    objects: list[Obj]
    actions: list[Action]


def claim(owner: Obj, owner_resource: str, selector: Selector, resource: str, candidates: Iterable[Obj]) -> Claim:
    """Which of `candidates` (owned ones and orphans of the namespace) belong to `owner`.

    Owned and selected: kept. Owned and no longer selected: released. Orphans that are selected and not terminating: adopted, after
    a look past the cache whether the owner still is. A terminating owner neither adopts nor releases.
    """
    kept: list[Obj] = []
    adopt: list[Action] = []
    release: list[Action] = []
    uid, leaving = uid_of(owner), is_terminating(owner)
    verdicts: dict[int, bool] = {}
    for obj in candidates:
        labels = labels_of(obj)
        matches = verdicts.get(id(labels))
        if matches is None:
            matches = verdicts[id(labels)] = selector.matches(labels)
        ref = controller_of(obj)
        if ref is not None:
            if ref["uid"] != uid:
                continue
            if matches:
                kept.append(obj)
            elif not leaving:
                release.append(_release(resource, obj, uid))
        elif matches and not leaving and not is_terminating(obj):
            kept.append(obj)
            adopt.append(_adopt(resource, obj, owner))
    if adopt:
        adopt.insert(0, Check(owner_resource, namespace_of(owner), name_of(owner), uid))
    return Claim(kept, [*adopt, *release])


def _adopt(resource: str, obj: Obj, owner: Obj) -> Patch:
    patch = {"metadata": {"ownerReferences": [controller_ref(owner)], "uid": uid_of(obj)}}
    return Patch(resource, namespace_of(obj), name_of(obj), patch, content_type=STRATEGIC_PATCH, ignore_missing=True)


def _release(resource: str, obj: Obj, owner_uid: str) -> Patch:
    patch = {"metadata": {"ownerReferences": [{"$patch": "delete", "uid": owner_uid}], "uid": uid_of(obj)}}
    return Patch(resource, namespace_of(obj), name_of(obj), patch, content_type=STRATEGIC_PATCH, ignore_missing=True)
