"""Which objects a list, watch or deletecollection is about: label and field selectors."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from engine.apiserver.context import Call
from engine.base.errors import bad_request
from engine.base.objects import Obj, labels_of, name_of, namespace_of
from engine.base.selectors import EVERYTHING, FieldRequirement, Selector, SelectorError, parse, parse_fields

FieldValue = Callable[[Obj], str]


_OF_ALL_KINDS: Mapping[str, FieldValue] = {"metadata.name": name_of, "metadata.namespace": namespace_of}


class Selection(NamedTuple):
    """A conjunction of a label selector and field requirements, each with the function that reads its field."""

    labels: Selector = EVERYTHING
    fields: tuple[tuple[FieldValue, FieldRequirement], ...] = ()

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return not self.fields and self.labels.empty

    @property
    def name(self) -> str:
        """The one name that is asked for; empty where there is no such requirement."""
        return next((r.value for _, r in self.fields if r.equal and r.path == "metadata.name"), "")

    def matches(self, obj: Obj) -> bool:
        """Whether the object is selected."""
        for value_of, requirement in self.fields:
            if not requirement.matches(value_of(obj)):
                return False
        return self.labels.empty or self.labels.matches(labels_of(obj))


EVERY_OBJECT = Selection()


def selection_of(call: Call) -> Selection:
    """The selection of a request's query.

    Raises:
        StatusError: 400, a selector is malformed or names a field that cannot be selected by.
    """
    query = call.request.query
    labels, terms = query.get("labelSelector"), query.get("fieldSelector")
    if not labels and not terms and not call.name:
        return EVERY_OBJECT
    try:
        selector = parse(labels) if labels else EVERYTHING
        requirements = parse_fields(terms) if terms else ()
    except SelectorError as error:
        raise bad_request(str(error)) from None
    if call.name:
        requirements = (*requirements, FieldRequirement("metadata.name", call.name, True))
    return Selection(selector, tuple((_field(call, r.path), r) for r in requirements))


def _field(call: Call, path: str) -> FieldValue:
    found = _OF_ALL_KINDS.get(path) or call.kind.field_values.get(path)
    if found is None:
        raise bad_request(f"field label not supported: {path}")
    return found
