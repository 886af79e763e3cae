"""The objects of a resource as a component knows them, with indexes; what reconciles, the scheduler and kubelets read."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from engine.base.objects import Obj, controller_of, labels_of
from engine.base.selectors import IN, Selector

IndexFn = Callable[[Obj], Sequence[str]]
"""The values under which an index lists an object."""

ObjectKey = tuple[str, str]
"""(namespace, name)"""

Objects = list[Obj]

ORPHANS = "orphans/"
"""Value prefix of the index `controller` for objects without a controller: `orphans/<namespace>`."""


def controller_value(obj: Obj) -> Sequence[str]:
    """Index `controller`: the uid of the controller, or `orphans/<namespace>`."""
    metadata = obj["metadata"]
    ref = controller_of(obj) if metadata.get("ownerReferences") else None
    return (ref["uid"] if ref else ORPHANS + (metadata.get("namespace") or ""),)


def owner_values(obj: Obj) -> Sequence[str]:
    """Index `owner`: the uids of all owners."""
    refs = obj["metadata"].get("ownerReferences")
    return tuple(ref["uid"] for ref in refs) if refs else ()


def node_value(obj: Obj) -> Sequence[str]:
    """Index `node`: spec.nodeName of a pod, empty while it is not bound."""
    return ((obj.get("spec") or {}).get("nodeName") or "",)


class Index:
    """Which keys have which value; keys stay in the order in which they came."""

    __slots__ = ("buckets", "values_of")

    def __init__(self, values_of: IndexFn) -> None:
        self.values_of = values_of
        self.buckets: dict[str, dict[ObjectKey, None]] = {}

    def change(self, key: ObjectKey, old: Obj | None, new: Obj | None) -> None:
        """Follow an object from `old` to `new`."""
        before = self.values_of(old) if old is not None else ()
        after = self.values_of(new) if new is not None else ()
        if before == after:
            return
        for value in before:
            bucket = self.buckets[value]
            del bucket[key]
            if not bucket:
                del self.buckets[value]
        for value in after:
            self.buckets.setdefault(value, {})[key] = None


class Lister:
    """The objects of one resource. Objects are shared and never change; `objects` is `(namespace, name) -> object`."""

    def __init__(self, resource: str, objects: Iterable[Obj] = ()) -> None:
        self.resource = resource
        self.objects: dict[ObjectKey, Obj] = {}
        self._indexes: dict[str, Index] = {}
        self._labels: dict[str, Index] = {}
        self.add_index("namespace", lambda obj: (obj["metadata"].get("namespace") or "",))
        self.add_index("controller", controller_value)
        self.add_index("owner", owner_values)
        if resource == "pods":
            self.add_index("node", node_value)
        for obj in objects:
            self.put(obj)

    def add_index(self, name: str, values_of: IndexFn) -> None:
        """Keep an index from now on; nothing happens where one of this name exists."""
        if name not in self._indexes:
            self._indexes[name] = self._built(values_of)

    def _built(self, values_of: IndexFn) -> Index:
        index = Index(values_of)
        for key, obj in self.objects.items():
            index.change(key, None, obj)
        return index

    def put(self, obj: Obj) -> Obj | None:
        """Add or replace an object; returns the one before."""
        metadata = obj["metadata"]
        key = (metadata.get("namespace") or "", metadata["name"])
        old = self.objects.get(key)
        self.objects[key] = obj
        self._reindex(key, old, obj)
        return old

    def remove(self, key: ObjectKey) -> Obj | None:
        """Forget an object; returns it, None where it was not known."""
        old = self.objects.pop(key, None)
        if old is not None:
            self._reindex(key, old, None)
        return old

    def _reindex(self, key: ObjectKey, old: Obj | None, new: Obj | None) -> None:
        for index in self._indexes.values():
            index.change(key, old, new)
        for index in self._labels.values():
            index.change(key, old, new)

    def __len__(self) -> int:
        return len(self.objects)

    def __iter__(self) -> Iterator[Obj]:
        return iter(self.objects.values())

    def get(self, namespace: str, name: str) -> Obj | None:
        """The object, None where it is not known. `namespace` is empty for cluster-scoped resources."""
        return self.objects.get((namespace, name))

    def list(self, namespace: str = "") -> Objects:
        """All objects, or those of a namespace, in the order in which they came."""
        return self.by_index("namespace", namespace) if namespace else [*self.objects.values()]

    def by_index(self, name: str, value: str) -> Objects:
        """The objects that an index (`namespace`, `controller`, `owner`, `node`, added ones) lists under `value`."""
        bucket = self._indexes[name].buckets.get(value)
        objects = self.objects
        return [objects[key] for key in bucket] if bucket else []

    def index_values(self, name: str) -> Sequence[str]:
        """All values of an index that have objects."""
        return tuple(self._indexes[name].buckets)

    def owned_by(self, uid: str) -> Objects:
        """The objects whose controller has this uid."""
        return self.by_index("controller", uid)

    def orphans(self, namespace: str) -> Objects:
        """The objects of a namespace that have no controller."""
        return self.by_index("controller", ORPHANS + namespace)

    def select(self, namespace: str, selector: Selector) -> Objects:
        """The objects of a namespace (all where empty) that a label selector selects.

        A selector that asks for a label value is answered from an index of that label, built when it is first asked for.
        """
        if selector.nothing:
            return []
        candidates = self._candidates(namespace, selector)
        if selector.empty:
            return candidates
        return [obj for obj in candidates if selector.matches(labels_of(obj))]

    def _candidates(self, namespace: str, selector: Selector) -> Objects:
        if namespace:
            for requirement in selector.requirements:
                if requirement.operator == IN and len(requirement.values) == 1:
                    index = self._label_index(requirement.key)
                    bucket = index.buckets.get(f"{namespace}/{requirement.values[0]}")
                    return [self.objects[key] for key in bucket] if bucket else []
        return self.list(namespace)

    def _label_index(self, label: str) -> Index:
        found = self._labels.get(label)
        if found is None:

            def values_of(obj: Obj) -> Sequence[str]:
                metadata = obj["metadata"]
                value = (metadata.get("labels") or {}).get(label)
                return () if value is None else (f"{metadata.get('namespace') or ''}/{value}",)

            found = self._labels[label] = self._built(values_of)
        return found
