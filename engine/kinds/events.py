"""Event of the core group, in which all events are stored."""

from engine.kinds.common import eventrows
from engine.kinds.common.model import Kind

KIND = Kind(
    group="",
    versions=("v1",),
    kind="Event",
    plural="events",
    namespaced=True,
    short_names=("ev",),
    defaults=eventrows.defaults,
    validate=eventrows.validate_core,
    columns=eventrows.COLUMNS,
    cells=eventrows.cells,
    field_values=eventrows.field_values("involvedObject"),
)
