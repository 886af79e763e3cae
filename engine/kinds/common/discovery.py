"""Discovery documents: which groups, versions and resources there are (apiserver/pkg/endpoints/discovery)."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from engine.base.objects import Obj
from engine.kinds.common.model import Kind
from engine.kinds.common.registry import Registry

_READ_WRITE = ("get", "patch", "update")


class _Subresource(NamedTuple):
    """Verbs, and the kind of what is sent or answered; `*` stands for the resource's kind."""

    verbs: tuple[str, ...]
    kind: str = "*"
    group: str = ""
    version: str = ""


# What pkg/registry/*/storage.go installs under these names; a subresource that is not listed answers with the object on GET.
_SUBRESOURCES = {
    "approval": _Subresource(_READ_WRITE),
    "attach": _Subresource(("create", "get"), "*AttachOptions"),
    "binding": _Subresource(("create",), "Binding"),
    "ephemeralcontainers": _Subresource(_READ_WRITE),
    "eviction": _Subresource(("create",), "Eviction", "policy", "v1"),
    "exec": _Subresource(("create", "get"), "*ExecOptions"),
    "finalize": _Subresource(("update",)),
    "log": _Subresource(("get",)),
    "portforward": _Subresource(("create", "get"), "*PortForwardOptions"),
    "proxy": _Subresource(("create", "delete", "get", "patch", "update"), "*ProxyOptions"),
    "resize": _Subresource(_READ_WRITE),
    "scale": _Subresource(_READ_WRITE, "Scale", "autoscaling", "v1"),
    "status": _Subresource(_READ_WRITE),
    "token": _Subresource(("create",), "TokenRequest", "authentication.k8s.io", "v1"),
}
_OTHER = _Subresource(("get",))

# Kubernetes stores these in a version that is not served by default; only the hash in discovery shows it.
_STORED_VERSIONS = {
    "customresourcedefinitions.apiextensions.k8s.io": "v1beta1",
    "mutatingadmissionpolicies.admissionregistration.k8s.io": "v1beta1",
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io": "v1beta1",
}


def subresources_of(kind: Kind) -> list[str]:
    """All subresources, sorted, status and scale included."""
    return sorted({*kind.subresources, *(["status"] if kind.status else []), *(["scale"] if kind.scale else [])})


def storage_version_hash(group: str, version: str, kind: str) -> str:
    """What tells clients that the stored form changed (apiserver/pkg/endpoints/discovery/storageversionhash.go)."""
    return base64.b64encode(hashlib.sha256(f"{group}/{version}/{kind}".encode()).digest()[:8]).decode()


def _singular(kind: Kind) -> str:
    return kind.singular or kind.kind.lower()


def _groups(registry: Registry) -> dict[str, list[Kind]]:
    """Kinds by group, in order, without core."""
    groups: dict[str, list[Kind]] = {}
    for kind in registry.all():
        if kind.group:
            groups.setdefault(kind.group, []).append(kind)
    return groups


def versions_of(kinds: Sequence[Kind]) -> list[str]:
    """The versions of a group, preferred first."""
    return list(dict.fromkeys(version for kind in kinds for version in kind.versions))


def core_versions(address: str) -> Obj:
    """`/api`. `address` is `host:port` as clients reach the server."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def _group(name: str, kinds: Sequence[Kind]) -> dict[str, Any]:
    versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions_of(kinds)]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def group_list(registry: Registry) -> Obj:
    """`/apis`."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name, kinds) for name, kinds in _groups(registry).items()]}


def group(registry: Registry, name: str) -> Obj | None:
    """`/apis/<group>`; None where there is no such group."""
    kinds = _groups(registry).get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, kinds)} if kinds else None


def resource_list(registry: Registry, group: str, version: str) -> Obj | None:
    """`/api/v1`, `/apis/<group>/<version>`; None where there is no such version."""
    kinds = [kind for kind in registry.all() if kind.group == group and version in kind.versions]
    if not kinds:
        return None
    about = {"kind": "APIResourceList", "apiVersion": "v1"} if group else {"kind": "APIResourceList"}
    resources = [entry for kind in kinds for entry in _legacy_entries(registry, kind)]
    return {**about, "groupVersion": kinds[0].api_version(version), "resources": resources}


def _legacy_entries(registry: Registry, kind: Kind) -> Iterator[Obj]:
    entry: dict[str, Any] = {
        "name": kind.plural,
        "singularName": _singular(kind),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    if "watch" in kind.verbs:
        stored = registry.stored_as(kind)
        version = _STORED_VERSIONS.get(kind.resource, stored.storage)
        entry["storageVersionHash"] = storage_version_hash(stored.group, version, stored.kind)
    yield entry
    for name in subresources_of(kind):
        sub = _SUBRESOURCES.get(name, _OTHER)
        about = {"group": sub.group, "version": sub.version} if sub.group else {}
        yield {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            **about,
            "kind": sub.kind.replace("*", kind.kind),
            "verbs": list(sub.verbs),
        }


def aggregated(registry: Registry, core: bool) -> Obj:
    """`/api` (`core`) or `/apis` as one APIGroupDiscoveryList (v2): every group, version and resource."""
    groups = {"": [kind for kind in registry.all() if not kind.group]} if core else _groups(registry)
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [{"metadata": {"name": name} if name else {}, "versions": _aggregated_versions(kinds)} for name, kinds in groups.items()],
    }


def _aggregated_versions(kinds: Sequence[Kind]) -> list[Obj]:
    return [
        {"version": version, "resources": [_aggregated_entry(kind) for kind in kinds if version in kind.versions], "freshness": "Current"}
        for version in versions_of(kinds)
    ]


def _aggregated_entry(kind: Kind) -> Obj:
    entry: dict[str, Any] = {
        "resource": kind.plural,
        "responseKind": {"group": "", "version": "", "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": _singular(kind),
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    subresources = [
        {
            "subresource": name,
            "responseKind": {"group": sub.group, "version": sub.version, "kind": sub.kind.replace("*", kind.kind)},
            "verbs": list(sub.verbs),
        }
        for name, sub in ((name, _SUBRESOURCES.get(name, _OTHER)) for name in subresources_of(kind))
    ]
    if subresources:
        entry["subresources"] = subresources
    return entry
