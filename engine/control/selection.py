"""Selectors of objects in the cache, parsed once: an object's selector is the same dict until it changes."""

from engine.base.objects import Obj
from engine.base.selectors import NOTHING, Selector, from_label_selector, from_map

_PARSED_MAX = 16_384

_parsed: dict[tuple[int, bool], tuple[object, Selector]] = {}


def label_selector(selector: Obj | None) -> Selector:
    """The parsed form of a `metav1.LabelSelector` (null selects nothing, an empty one everything)."""
    return NOTHING if selector is None else _cached(selector, False)


def selector_of(owner: Obj) -> Selector:
    """The parsed form of an object's spec.selector, a `metav1.LabelSelector`."""
    return label_selector(owner["spec"].get("selector"))


def map_selector(labels: Obj | None) -> Selector:
    """The parsed form of a plain map such as Service.spec.selector (null or empty selects nothing)."""
    return _cached(labels, True) if labels else NOTHING


def _cached(selector: Obj, plain: bool) -> Selector:
    key = (id(selector), plain)
    found = _parsed.get(key)
    if found is None or found[0] is not selector:
        if len(_parsed) >= _PARSED_MAX:
            _parsed.clear()
        found = _parsed[key] = (selector, from_map(selector) if plain else from_label_selector(selector))
    return found[1]
