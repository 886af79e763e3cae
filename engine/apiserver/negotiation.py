"""What the client wants to read: JSON or YAML, the objects themselves, a Table, or metadata only."""

from functools import lru_cache
from typing import NamedTuple

from engine.base.api import JSON, YAML
from engine.base.errors import StatusError

TABLE, PARTIAL, PARTIAL_LIST = "Table", "PartialObjectMetadata", "PartialObjectMetadataList"

_FORMS = frozenset({TABLE, PARTIAL, PARTIAL_LIST})
_WILDCARDS = frozenset({"", "*/*", "application/*"})
_MEDIA_TYPES = frozenset({JSON, YAML})

_AVAILABLE = ", ".join(
    (JSON, YAML, "application/vnd.kubernetes.protobuf", f"{JSON};stream=watch", "application/vnd.kubernetes.protobuf;stream=watch")
)


class Form(NamedTuple):
    """The form of an answer: its media type, and `Table`, `PartialObjectMetadata(List)` or empty for the objects themselves."""

    content_type: str
    transform: str


PLAIN = Form(JSON, "")


@lru_cache(maxsize=512)
def negotiate(accept: str) -> Form:
    """The first clause of an Accept header that can be served (apiserver/pkg/endpoints/handlers/negotiation).

    Raises:
        StatusError: 406, none can.
    """
    if accept == JSON:
        return PLAIN
    for clause in accept.split(","):
        media_type, *parameters = (part.strip() for part in clause.split(";"))
        if media_type not in _WILDCARDS and media_type not in _MEDIA_TYPES:
            continue
        values = dict(p.partition("=")[::2] for p in parameters)
        transform = values.get("as", "")
        if transform and (transform not in _FORMS or values.get("g") != "meta.k8s.io" or values.get("v") != "v1"):
            continue
        return Form(YAML if media_type == YAML else JSON, transform)
    raise StatusError(406, "NotAcceptable", f"406: Not Acceptable\n\nAvailable representations: {_AVAILABLE}", {})
