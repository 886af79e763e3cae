"""Definitions for tests."""

import asyncio
from typing import Any

from engine.base.objects import Obj
from tests.apiserver.servers import Rig

CRDS = "customresourcedefinitions.apiextensions.k8s.io"
TABS = "crontabs.stable.example.com"

SPEC: Obj = {
    "type": "object",
    "required": ["cronSpec"],
    "properties": {
        "cronSpec": {"type": "string", "pattern": r"^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$"},
        "image": {"type": "string", "default": "busybox"},
        "replicas": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
        "policy": {"type": "string", "enum": ["Allow", "Forbid"]},
        "env": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "value": {"type": "string"}}},
        },
        "port": {"x-kubernetes-int-or-string": True},
        "since": {"type": "string", "format": "date-time"},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "note": {"type": "string", "nullable": True},
    },
}
STATUS: Obj = {"type": "object", "properties": {"replicas": {"type": "integer"}, "selector": {"type": "string"}}}
COLUMNS = [
    {"name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec"},
    {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]


def version(name: str = "v1", **more: Any) -> Obj:
    """A version of the definition of CronTabs; `more` overrides its fields."""
    schema = {"type": "object", "properties": {"spec": SPEC, "status": STATUS}}
    made = {"name": name, "served": True, "storage": name == "v1", "schema": {"openAPIV3Schema": schema}}
    return {**made, "additionalPrinterColumns": COLUMNS, **more}


def definition(*versions: Obj, **names: Any) -> Obj:
    """CronTabs of stable.example.com."""
    given = {"plural": "crontabs", "singular": "crontab", "kind": "CronTab", "shortNames": ["ct"], "categories": ["all"], **names}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{given['plural']}.stable.example.com"},
        "spec": {"group": "stable.example.com", "scope": "Namespaced", "names": given, "versions": [*(versions or (version(),))]},
    }


def tab(name: str = "my", api_version: str = "v1", status: Obj | None = None, **spec: Any) -> Obj:
    """A CronTab."""
    made: dict[str, Any] = {"apiVersion": f"stable.example.com/{api_version}", "kind": "CronTab", "metadata": {"name": name}}
    made["spec"] = {"cronSpec": "* * * * */5", **spec}
    return made if status is None else {**made, "status": status}


async def define(rig: Rig, *versions: Obj, **names: Any) -> Obj:
    """Create the definition and let the server take notice; the definition as it is then."""
    made = await rig.client.create(CRDS, definition(*versions, **names))
    await asyncio.sleep(0)
    return await rig.client.get(CRDS, made["metadata"]["name"])
