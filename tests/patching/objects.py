"""Objects of a small kind that has everything that ownership distinguishes, and strategies that make them."""

from typing import Any

from hypothesis import strategies as st

from engine.apiserver.managedfields.ownership import Writer
from engine.base.objects import Obj, frozen
from engine.schema.types import FieldInfo, TypeInfo, named

NOW = 1_767_225_600.0

_text = FieldInfo(scalar="string")
_number = FieldInfo(scalar="int32")
_port = TypeInfo("test.Port", {"port": _number, "protocol": FieldInfo(scalar="string", default="TCP"), "name": _text})
_ports = FieldInfo(
    kind="list",
    element=FieldInfo(kind="object", own_type=_port),
    list_type="map",
    list_map_keys=("port", "protocol"),
    patch_strategy="merge",
    patch_merge_key="port",
)
_container = TypeInfo("test.Container", {"name": _text, "image": _text, "ports": _ports, "command": FieldInfo(kind="list", element=_text)})
_spec = TypeInfo(
    "test.Spec",
    {
        "replicas": _number,
        "paused": FieldInfo(scalar="bool"),
        "selector": FieldInfo(kind="map", element=_text, map_type="atomic"),
        "settings": FieldInfo(kind="map", element=_text),
        "containers": FieldInfo(
            kind="list",
            element=FieldInfo(kind="object", own_type=_container),
            list_type="map",
            list_map_keys=("name",),
            patch_strategy="merge",
            patch_merge_key="name",
        ),
        "zones": FieldInfo(kind="list", element=_text, list_type="set", patch_strategy="merge"),
        "rules": FieldInfo(kind="list", element=FieldInfo(kind="object", own_type=_port)),
    },
)
INFO = TypeInfo(
    "test.Thing",
    {
        "apiVersion": _text,
        "kind": _text,
        "metadata": FieldInfo(kind="object", own_type=named("meta.v1.ObjectMeta")),
        "spec": FieldInfo(kind="object", own_type=_spec),
    },
)


def thing(spec: Any = None, **metadata: Any) -> Obj:
    """An object of the kind."""
    obj: dict[str, Any] = {"apiVersion": "test/v1", "kind": "Thing", "metadata": {"name": "t", **metadata}}
    return frozen(obj if spec is None else {**obj, "spec": spec})


def writer(name: str, **more: Any) -> Writer:
    """A manager that writes it."""
    return Writer(name, "test/v1", **more)


def entries(obj: Obj) -> dict[str, Any]:
    """The sets of an object's managers by name."""
    return {entry["manager"]: entry["fieldsV1"] for entry in obj["metadata"].get("managedFields") or ()}


def in_order(obj: Obj) -> Any:
    """The object with sets and lists by key sorted: their order is nobody's, and changing it is no change."""
    spec = dict(obj["spec"])
    spec["zones"] = sorted(spec.get("zones") or ())
    containers = [{**c, "ports": sorted(c.get("ports") or (), key=_port_key)} for c in spec.get("containers") or ()]
    spec["containers"] = sorted(containers, key=lambda c: str(c["name"]))
    return {**obj, "spec": spec}


def _port_key(port: Obj) -> tuple[int, str]:
    return port["port"], port.get("protocol", "TCP")


_words = st.sampled_from(["a", "b", "c"])
_port_values = st.fixed_dictionaries(
    {"port": st.sampled_from([80, 81])}, optional={"protocol": st.sampled_from(["TCP", "UDP"]), "name": _words}
)
_container_values = st.fixed_dictionaries(
    {"name": _words},
    optional={
        "image": _words,
        "command": st.lists(_words, min_size=1, max_size=2),
        "ports": st.lists(_port_values, min_size=1, max_size=2, unique_by=lambda p: _port_key(p)),
    },
)
specs: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"replicas": st.integers(0, 2)},
    optional={
        "paused": st.booleans(),
        "selector": st.dictionaries(_words, _words, min_size=1),
        "settings": st.dictionaries(_words, _words, min_size=1),
        "containers": st.lists(_container_values, min_size=1, max_size=3, unique_by=lambda c: c["name"]),
        "zones": st.lists(_words, min_size=1, max_size=3, unique=True),
        "rules": st.lists(_port_values, min_size=1, max_size=2),
    },
)
things: st.SearchStrategy[Obj] = specs.map(thing)
