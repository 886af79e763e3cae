"""Event of events.k8s.io: another view of the same events."""

from engine.kinds.common import eventrows
from engine.kinds.common.model import Kind

KIND = Kind(
    group="events.k8s.io",
    versions=("v1",),
    kind="Event",
    plural="events",
    namespaced=True,
    short_names=("ev",),
    defaults=eventrows.defaults,
    validate=eventrows.validate_new,
    columns=eventrows.COLUMNS,
    cells=eventrows.cells,
    field_values=eventrows.field_values("regarding"),
    stored_as="events",
    convert={"v1": (eventrows.from_core, eventrows.to_core)},
)
