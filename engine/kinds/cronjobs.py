"""CronJob (pkg/apis/batch/v1/defaults.go, pkg/apis/batch/validation/validation.go ValidateCronJob)."""

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import cron, names, tables
from engine.kinds.common.jobspec import validate_job_spec
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import change_at, fill, with_template
from engine.kinds.common.podwarnings import template_warnings
from engine.kinds.common.rules import not_negative, one_of

NAME_LENGTH_MAX = 52
"""Job names get a dash and up to ten digits more."""
_DEFAULTS = {"concurrencyPolicy": "Allow", "suspend": False, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1}


def _defaults(obj: Obj) -> Obj:
    spec = fill(obj.get("spec") or {}, _DEFAULTS)
    spec = change_at(spec, "jobTemplate", lambda template: with_template(fill(template, {"metadata": {}})))
    return obj if spec is obj.get("spec") else {**obj, "spec": spec}


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    if old is not None and spec is old.get("spec"):
        return []
    found: list[FieldError] = []
    if not spec.get("schedule"):
        found.append(fields.required("spec.schedule"))
    else:
        found += _schedule(spec)
    found += not_negative(spec.get("startingDeadlineSeconds"), "spec.startingDeadlineSeconds")
    if spec.get("timeZone") is not None:
        found += _time_zone(spec["timeZone"])
    found += one_of(spec.get("concurrencyPolicy"), "spec.concurrencyPolicy", ("Allow", "Forbid", "Replace"))
    template = spec.get("jobTemplate") or {}
    job = template.get("spec") or {}
    found += validate_job_spec(job, "spec.jobTemplate.spec")
    if job.get("selector") is not None:
        found.append(fields.invalid("spec.jobTemplate.spec.selector", job["selector"], "`selector` will be auto-generated"))
    for name in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        found += not_negative(spec.get(name), f"spec.{name}")
    if old is None and len(name_of(obj)) > NAME_LENGTH_MAX:
        found.append(fields.invalid("metadata.name", name_of(obj), f"must be no more than {NAME_LENGTH_MAX} characters"))
    return found


def _schedule(spec: Obj) -> list[FieldError]:
    schedule = spec["schedule"]
    if schedule.startswith(("TZ=", "CRON_TZ=")):
        why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        return [fields.invalid("spec.schedule", schedule, why)]
    wrong = cron.wrong_with(schedule)
    return [fields.invalid("spec.schedule", schedule, wrong)] if wrong else []


def _time_zone(zone: str) -> list[FieldError]:
    if not zone:
        return [fields.invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string")]
    if zone.lower() == "local":
        return [
            fields.invalid("spec.timeZone", zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")
        ]
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [fields.invalid("spec.timeZone", zone, f"unknown time zone {zone}")]
    return []


def _cells(obj: Obj, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    last = status.get("lastScheduleTime")
    pod = (job.get("template") or {}).get("spec") or {}
    return [
        name_of(obj),
        spec.get("schedule") or "",
        spec.get("timeZone") or tables.NONE,
        "True" if spec.get("suspend") else "False",
        len(status.get("active") or ()),
        tables.ago(last, now) if last else tables.NONE,
        tables.age(obj, now),
        *tables.containers_and_images(pod),
        tables.selector(job.get("selector")),
    ]


KIND = Kind(
    group="batch",
    versions=("v1",),
    kind="CronJob",
    plural="cronjobs",
    namespaced=True,
    short_names=("cj",),
    categories=("all",),
    status=True,
    has_generation=True,
    defaults=_defaults,
    prepare_create=fresh_status(),
    prepare_update=keep_status,
    validate=validating(True, names.dns_subdomain, _rules),
    warnings=template_warnings("spec", "jobTemplate", "spec", "template", "spec"),
    columns=(
        tables.NAME,
        tables.text("Schedule"),
        tables.text("Timezone"),
        tables.boolean("Suspend"),
        tables.number("Active"),
        tables.text("Last Schedule"),
        tables.AGE,
        *tables.WORKLOAD_WIDE,
    ),
    cells=_cells,
)
