"""Validation of job specs, in Jobs and in CronJobs (pkg/apis/batch/validation/validation.go validateJobSpec)."""

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common.podrules import validate_template
from engine.kinds.common.rules import not_negative, one_of, unsupported

COMPLETION_MODES = ("NonIndexed", "Indexed")
INDEXED_PARALLELISM_MAX = 100_000
_COUNTS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")


def validate_job_spec(spec: Obj, path: str) -> list[FieldError]:
    """Everything but the selector."""
    found = [e for name in _COUNTS for e in not_negative(spec.get(name), f"{path}.{name}")]
    mode, completions = spec.get("completionMode"), spec.get("completions")
    if mode is not None and mode not in COMPLETION_MODES:
        found.append(unsupported(mode, f"{path}.completionMode", COMPLETION_MODES))
    if mode == "Indexed":
        if completions is None:
            found.append(fields.required(f"{path}.completions", "when completion mode is Indexed"))
        parallelism = spec.get("parallelism")
        if parallelism is not None and parallelism > INDEXED_PARALLELISM_MAX:
            why = f"must be less than or equal to {INDEXED_PARALLELISM_MAX} when completion mode is Indexed"
            found.append(fields.invalid(f"{path}.parallelism", parallelism, why))
    else:
        for name in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.get(name) is not None:
                found.append(fields.invalid(f"{path}.{name}", spec[name], "requires indexed completion mode"))
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        found.append(fields.required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    if spec.get("podFailurePolicy") is not None:
        found += _failure_policy(spec, f"{path}.podFailurePolicy")
    if spec.get("successPolicy") is not None and mode != "Indexed":
        found.append(fields.invalid(f"{path}.successPolicy", spec["successPolicy"], "requires indexed completion mode"))
    found += _replacement(spec, f"{path}.podReplacementPolicy")
    template = spec.get("template") or {}
    found += validate_template(template, f"{path}.template")
    policy = (template.get("spec") or {}).get("restartPolicy")
    if policy == "Always":
        # Always is what defaulting wrote: the user said nothing.
        found.append(fields.required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"'))
    return found


def _replacement(spec: Obj, path: str) -> list[FieldError]:
    policy = spec.get("podReplacementPolicy")
    if policy is None:
        return []
    supported = ("Failed",) if spec.get("podFailurePolicy") is not None else ("Failed", "TerminatingOrFailed")
    return one_of(policy, path, supported)


def _failure_policy(spec: Obj, path: str) -> list[FieldError]:
    found: list[FieldError] = []
    if ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy") != "Never":
        restart = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy")
        why = 'only "Never" is supported when podFailurePolicy is specified'
        found.append(fields.invalid(path.replace("podFailurePolicy", "template.spec.restartPolicy"), restart, why))
    for i, rule in enumerate(spec["podFailurePolicy"].get("rules") or ()):
        here = f"{path}.rules[{i}]"
        found += one_of(rule.get("action"), f"{here}.action", _ACTIONS)
        exit_codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions")
        if exit_codes is not None and conditions:
            found.append(fields.invalid(here, rule, "specifying both OnExitCodes and OnPodConditions is not supported"))
        elif exit_codes is None and not conditions:
            found.append(fields.invalid(here, rule, "specifying one of OnExitCodes and OnPodConditions is required"))
        if exit_codes is not None:
            found += one_of(exit_codes.get("operator"), f"{here}.onExitCodes.operator", ("In", "NotIn"))
            if not exit_codes.get("values"):
                found.append(fields.invalid(f"{here}.onExitCodes.values", [], "at least one value is required"))
    return found
