"""What narrows a mapper of changes to keys."""

from collections.abc import Iterable
from typing import Any

from engine.base.objects import Obj
from engine.control.controller import Mapper
from engine.control.read import Read


def when(mapper: Mapper, *kinds: str) -> Mapper:
    """`mapper` for changes of some kinds only."""

    def keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Any]:
        return mapper(kind, old, new, read) if kind in kinds else ()

    return keys
