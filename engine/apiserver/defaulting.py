"""Defaults of kinds, such that objects of one template go on sharing their spec."""

from engine.apiserver.identity import IdentityMemo
from engine.base.objects import Obj
from engine.kinds.common.model import Kind

SPEC_DECIDES = frozenset({"pods"})
"""Kinds whose defaults depend on, and change, nothing but the spec."""


class Defaulter:
    """Applies defaults; of a spec that was seen before it gives the very object that came out then."""

    def __init__(self) -> None:
        self._specs: dict[str, IdentityMemo[Obj]] = {resource: IdentityMemo() for resource in sorted(SPEC_DECIDES)}

    def __call__(self, kind: Kind, obj: Obj, old: Obj | None = None) -> Obj:
        """The object with defaults; itself where it has all of them, as it does where the spec is that of `old`."""
        memo = self._specs.get(kind.resource)
        spec = obj.get("spec")
        if memo is None or spec is None:
            return kind.defaults(obj)
        if old is not None and spec is old.get("spec"):
            return obj
        known = memo.get(spec)
        if known is not None:
            return obj if known is spec else {**obj, "spec": known}
        made = kind.defaults(obj)
        memo.put(spec, made["spec"])
        memo.put(made["spec"], made["spec"])
        return made
