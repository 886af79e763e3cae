"""Pod templates: their hash, and pods made from them (pkg/controller/controller_utils.go)."""

from typing import Any

import orjson

from engine.base.objects import Obj, controller_ref, name_of, namespace_of
from engine.base.world import SUFFIX_ALPHABET

TEMPLATE_HASH_LABEL = "pod-template-hash"

_HASHED_MAX = 4_096
_hashed: dict[tuple[int, int], tuple[Obj, str]] = {}


def fnv32a(data: bytes) -> int:
    """The 32-bit FNV-1a hash."""
    value = 0x811C9DC5
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def safe_encode(text: str) -> str:
    """apimachinery rand.SafeEncodeString: no vowels, no look-alikes."""
    return "".join(SUFFIX_ALPHABET[byte % len(SUFFIX_ALPHABET)] for byte in text.encode())


def hash_of(template: Obj, collisions: int | None) -> str:
    """The label pod-template-hash and the suffix of a ReplicaSet's name (ComputeHash). Upstream hashes Go's printing of the struct;
    ours is of canonical JSON, so the same template gives other letters than there, and always the same here."""
    key = (id(template), -1 if collisions is None else collisions)
    found = _hashed.get(key)
    if found is None or found[0] is not template:
        if len(_hashed) >= _HASHED_MAX:
            _hashed.clear()
        data = orjson.dumps(template, option=orjson.OPT_SORT_KEYS)
        if collisions is not None:
            data += collisions.to_bytes(8, "little")
        found = _hashed[key] = (template, safe_encode(str(fnv32a(data))))
    return found[1]


def without_hash(template: Obj) -> Obj:
    """A template without the label pod-template-hash, to compare with the one it was made from (EqualIgnoreHash)."""
    metadata = template.get("metadata") or {}
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != TEMPLATE_HASH_LABEL}
    kept = {k: v for k, v in metadata.items() if k not in ("labels", "creationTimestamp")}
    if labels:
        kept["labels"] = labels
    rest = {k: v for k, v in template.items() if k != "metadata"}
    return {**rest, "metadata": kept} if kept else rest


def same_template(a: Obj, b: Obj) -> bool:
    """Whether two templates are equal but for the hash label."""
    if a is b:
        return True
    return a.get("spec") == b.get("spec") and without_hash(a) == without_hash(b)


def pod_from_template(template: Obj, owner: Obj, name: str = "") -> Obj:
    """The pod that `owner` (its controller) creates from a template: named `name`, or generated from the owner's name.

    Labels, annotations and spec are the template's own, shared by all its pods (GetPodFromTemplate).
    """
    given = template.get("metadata") or {}
    metadata: dict[str, Any] = {"name": name} if name else {"generateName": f"{name_of(owner)}-"}
    metadata["namespace"] = namespace_of(owner)
    for field in ("labels", "annotations", "finalizers"):
        if given.get(field):
            metadata[field] = given[field]
    metadata["ownerReferences"] = [controller_ref(owner)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
