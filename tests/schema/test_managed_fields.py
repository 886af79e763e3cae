"""Every managedFields entry that a real server wrote agrees with the table: it tells how each list, map and object is merged."""

import json
from collections.abc import Iterator
from typing import Any

from engine.schema.types import FieldInfo, type_of
from tests.schema.golden import FILES, gvk, objects, steps


def disagreements(field: FieldInfo, owned: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    """Where `owned` (a part of fieldsV1) cannot come from a field of that kind. `value` is what the object has there."""
    children = {key: inner for key, inner in owned.items() if key != "."}
    if field.kind == "scalar" or (field.kind == "list" and field.list_type == "atomic") or (field.kind != "list" and is_atomic(field)):
        if owned:
            yield f"{path}: {field.kind} is owned as a whole in the table, in parts by {owned}"
        return
    if value and not owned:
        yield f"{path}: {field.kind} is owned in parts in the table, as a whole by the server"
    for key, inner in children.items():
        sort, _, name = key.partition(":")
        here = f"{path}/{key}"
        if field.kind == "list":
            yield from list_disagreements(field, sort, name, inner, value, here)
        elif sort != "f":
            yield f"{here}: {field.kind} has no such key"
        elif field.kind == "map" and field.element:
            yield from disagreements(field.element, inner, (value or {}).get(name), here)
        elif field.type is None or name not in field.type.fields:
            yield f"{here}: no such field in the table"
        else:
            yield from disagreements(field.type.fields[name], inner, (value or {}).get(name), here)


def is_atomic(field: FieldInfo) -> bool:
    """Owned as a whole: marked so, or without known fields."""
    return field.map_type == "atomic" or (field.kind == "object" and field.type is not None and field.type.preserve)


def list_disagreements(field: FieldInfo, sort: str, name: str, owned: Any, value: Any, path: str) -> Iterator[str]:
    """The same for an element of a list that is a set or a map."""
    if field.list_type == "set":
        if sort != "v" or owned:
            yield f"{path}: the table says set"
        return
    if sort != "k" or field.element is None:
        yield f"{path}: the table says map"
        return
    keys = json.loads(name)
    if set(keys) != set(field.list_map_keys):
        yield f"{path}: the table's keys are {field.list_map_keys}"
        return
    same = [v for v in value or () if all(v.get(k, field.element.type and field.element.type.fields[k].default) == keys[k] for k in keys)]
    yield from disagreements(field.element, owned, same[0] if same else None, path)


def test_the_table_agrees_with_all_recorded_managed_fields() -> None:
    entries = 0
    found: list[str] = []
    for name in FILES:
        for step in steps(name):
            for obj in objects(step["response"]["body"]):
                managed = obj.get("metadata", {}).get("managedFields") or ()
                for entry in managed:
                    group, version, kind = gvk({**obj, "apiVersion": entry["apiVersion"]})
                    info = type_of(group, version, kind)
                    if info is None:
                        continue
                    entries += 1
                    root = FieldInfo(kind="object", own_type=info)
                    # Of several managers, one may have applied an empty map that another has filled.
                    value = obj if len(managed) == 1 else {}
                    found += disagreements(root, entry["fieldsV1"], value, f"{name}:{kind}")
    assert not found, "\n".join(sorted(set(found)))
    assert entries > 400
