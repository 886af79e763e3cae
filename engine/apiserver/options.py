"""Options of writes and deletes, from the query and the body, checked (apimachinery/pkg/apis/meta/v1/validation/validation.go)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from engine.base import fields
from engine.base.api import APPLY_PATCH, Request
from engine.base.errors import bad_request, invalid
from engine.base.fields import FieldError
from engine.schema.validators import validate

STRICT, WARN, IGNORE = "Strict", "Warn", "Ignore"
FOREGROUND, BACKGROUND, ORPHAN = "Foreground", "Background", "Orphan"

FIELD_MANAGER_BYTES_MAX = 128

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False", ""})


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Of create, update and patch. `force` is of server-side apply; None where it is not given."""

    field_manager: str = ""
    dry_run: bool = False
    field_validation: str = WARN
    force: bool | None = None


_PLAIN: dict[str, WriteOptions] = {}


def write_options(request: Request, kind: str) -> WriteOptions:
    """The options of a create, update or patch; `kind` is CreateOptions, UpdateOptions or PatchOptions.

    Raises:
        StatusError: 422, an option has no such value.
    """
    query = request.query
    manager = query.get("fieldManager", "")
    if (not query or (len(query) == 1 and manager)) and kind != "PatchOptions":
        known = _PLAIN.get(manager)
        if known is not None:
            return known
    options = WriteOptions(
        manager,
        query.get("dryRun", "") == "All",
        query.get("fieldValidation") or WARN,
        boolean(query, "force") if "force" in query else None,
    )
    errors = _patch_errors(options, request.content_type) if kind == "PatchOptions" else []
    errors += _manager_errors(manager)
    if query.get("dryRun", "All") not in ("All", ""):
        errors.append(fields.not_supported("dryRun", [query["dryRun"]], ["All"]))
    if options.field_validation not in (STRICT, WARN, IGNORE):
        errors.append(fields.not_supported("fieldValidation", options.field_validation, ["", IGNORE, STRICT, WARN]))
    _raise_if_any(kind, errors)
    if len(query) <= 1 and len(_PLAIN) < 1_024 and not options.dry_run and kind != "PatchOptions" and options == WriteOptions(manager):
        _PLAIN[manager] = options
    return options


def _patch_errors(options: WriteOptions, content_type: str) -> list[FieldError]:
    if content_type.partition(";")[0] == APPLY_PATCH:
        return [] if options.field_manager else [fields.required("fieldManager", "is required for apply patch")]
    return [] if options.force is None else [fields.forbidden("force", "may not be specified for non-apply patch")]


def _manager_errors(manager: str) -> list[FieldError]:
    if len(manager.encode()) > FIELD_MANAGER_BYTES_MAX:
        return [fields.too_long("fieldManager", FIELD_MANAGER_BYTES_MAX)]
    if not manager.isprintable():
        return [fields.invalid("fieldManager", manager, "should only contain printable characters")]
    return []


def _raise_if_any(kind: str, errors: list[FieldError]) -> None:
    if errors:
        raise invalid(kind, "meta.k8s.io", "", errors)


def boolean(query: Mapping[str, str], name: str) -> bool:
    """A boolean parameter, as Go parses it; False where it is absent.

    Raises:
        StatusError: 400, it is none.
    """
    text = query.get(name, "")
    if text in _FALSE:
        return False
    if text in _TRUE:
        return True
    raise bad_request(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def integer(query: Mapping[str, str], name: str) -> int | None:
    """An integer parameter; None where it is absent or empty.

    Raises:
        StatusError: 400, it is none.
    """
    text = query.get(name, "")
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


@dataclass(frozen=True, slots=True)
class DeletionOptions:
    """Of delete and deletecollection; None and empty leave it to the kind."""

    grace_period_s: int | None = None
    propagation: str = ""
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False


NO_OPTIONS = DeletionOptions()


def deletion_options(request: Request) -> DeletionOptions:
    """From the body where there is one, else from the query (apiserver/pkg/endpoints/handlers/delete.go).

    Raises:
        StatusError: 400 for a body that is no DeleteOptions, 422 for values that are not known or contradict each other.
    """
    body = _options_body(request.body)
    if body is None and not request.query:
        return NO_OPTIONS
    given: Mapping[str, Any] = _from_query(request.query) if body is None else body
    errors: list[FieldError] = []
    orphan, policy = given.get("orphanDependents"), given.get("propagationPolicy")
    if orphan is not None and policy is not None:
        errors.append(fields.invalid("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set"))
    elif policy is not None and policy not in (FOREGROUND, BACKGROUND, ORPHAN):
        supported = f'"{FOREGROUND}", "{BACKGROUND}", "{ORPHAN}", "nil"'
        message = f'Unsupported value: "{policy}": supported values: {supported}'
        errors.append(FieldError(fields.NOT_SUPPORTED, "propagationPolicy", message))
    dry_run = list(given.get("dryRun") or ())
    if any(value != "All" for value in dry_run):
        errors.append(fields.not_supported("dryRun", dry_run, ["All"]))
    _raise_if_any("DeleteOptions", errors)
    if orphan is not None:
        policy = ORPHAN if orphan else BACKGROUND
    preconditions = given.get("preconditions") or {}
    return DeletionOptions(
        given.get("gracePeriodSeconds"),
        policy or "",
        preconditions.get("uid") or "",
        preconditions.get("resourceVersion") or "",
        bool(dry_run),
    )


def _from_query(query: Mapping[str, str]) -> Mapping[str, Any]:
    found: dict[str, Any] = {"gracePeriodSeconds": integer(query, "gracePeriodSeconds")}
    if query.get("orphanDependents"):
        found["orphanDependents"] = boolean(query, "orphanDependents")
    found["propagationPolicy"] = query.get("propagationPolicy") or None
    if query.get("dryRun"):
        found["dryRun"] = [query["dryRun"]]
    return found


def _options_body(body: Any) -> Mapping[str, Any] | None:
    if isinstance(body, bytes | str):
        if not body:
            return None
        try:
            body = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise bad_request(f"couldn't get version/kind; json parse error: {error}") from None
    if body is None:
        return None
    if not isinstance(body, dict) or body.get("kind", "DeleteOptions") != "DeleteOptions":
        raise bad_request("decoded object cannot be converted to DeleteOptions")
    result = validate("", "v1", "DeleteOptions", body)
    if result.errors:
        raise bad_request(f'DeleteOptions in version "v1" cannot be handled as a DeleteOptions: {result.errors[0]}')
    return result.obj
