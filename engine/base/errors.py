"""Errors that are Kubernetes `Status` answers (apimachinery/pkg/api/errors/errors.go)."""

from collections.abc import Sequence
from typing import Any

from engine.base.fields import FieldError
from engine.base.objects import Obj


class StatusError(Exception):
    """A request failed in a way that the API states: HTTP code, reason, message and details."""

    def __init__(self, code: int, reason: str, message: str, details: Obj | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> Obj:
        """The `Status` object that is sent."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        status["code"] = self.code
        return status

    @property
    def retry_after_s(self) -> int:
        """Seconds after which the server suggests to try again; 0 where it says nothing."""
        return int((self.details or {}).get("retryAfterSeconds") or 0)


def from_status(status: Obj) -> StatusError:
    """The error that a received `Status` object states."""
    return StatusError(int(status.get("code") or 500), status.get("reason") or "", status.get("message") or "", status.get("details"))


def split_resource(resource: str) -> tuple[str, str]:
    """`deployments.apps` -> (`deployments`, `apps`); `pods` -> (`pods`, ``)."""
    plural, _, group = resource.partition(".")
    return plural, group


def _about(resource: str, name: str, **more: Any) -> Obj:
    plural, group = split_resource(resource)
    details: dict[str, Any] = {}
    if name:
        details["name"] = name
    if group:
        details["group"] = group
    if plural:
        details["kind"] = plural
    details.update(more)
    return details


def not_found(resource: str, name: str) -> StatusError:
    """404: no object of that name; `resource` is `pods` or `deployments.apps`."""
    return StatusError(404, "NotFound", f'{resource} "{name}" not found', _about(resource, name))


def already_exists(resource: str, name: str) -> StatusError:
    """409 on create."""
    return StatusError(409, "AlreadyExists", f'{resource} "{name}" already exists', _about(resource, name))


def conflict(resource: str, name: str, why: str) -> StatusError:
    """409: the write lost a race or a precondition failed."""
    return StatusError(409, "Conflict", f'Operation cannot be fulfilled on {resource} "{name}": {why}', _about(resource, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def invalid(kind: str, group: str, name: str, errors: Sequence[FieldError]) -> StatusError:
    """422 with one cause per field error. One error is printed bare, several in brackets, duplicates once."""
    texts = list(dict.fromkeys(str(e) for e in errors))
    text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    shown = f"{kind}.{group}" if group else kind
    details: dict[str, Any] = {"name": name} if name else {}
    if group:
        details["group"] = group
    details["kind"] = kind
    details["causes"] = [{"reason": e.reason, "message": e.message, "field": e.field} for e in errors]
    return StatusError(422, "Invalid", f'{shown} "{name}" is invalid: {text}', details)


def bad_request(message: str) -> StatusError:
    """400."""
    return StatusError(400, "BadRequest", message)


def forbidden(resource: str, name: str, why: str) -> StatusError:
    """403."""
    plural, group = split_resource(resource)
    shown = f'{resource} "{name}" is forbidden: {why}' if name else f"{resource} is forbidden: {why}"
    return StatusError(403, "Forbidden", shown if plural else f"forbidden: {why}", _about(resource, name) if plural else {"group": group})


def method_not_allowed(message: str = "the server does not allow this method on the requested resource") -> StatusError:
    """405."""
    return StatusError(405, "MethodNotAllowed", message, {})


def not_acceptable(message: str) -> StatusError:
    """406."""
    return StatusError(406, "NotAcceptable", message)


def gone(message: str) -> StatusError:
    """410: a revision that has been compacted was asked for."""
    return StatusError(410, "Expired", message)


def too_large(message: str) -> StatusError:
    """413."""
    return StatusError(413, "RequestEntityTooLarge", message)


def unsupported_media_type(message: str) -> StatusError:
    """415."""
    return StatusError(415, "UnsupportedMediaType", message)


def too_many_requests(message: str, retry_after_s: int, causes: Sequence[Obj] = ()) -> StatusError:
    """429; `retry_after_s` also goes into the Retry-After header."""
    details: dict[str, Any] = {"causes": list(causes)} if causes else {}
    if retry_after_s:
        details["retryAfterSeconds"] = retry_after_s
    return StatusError(429, "TooManyRequests", message, details)


def internal(message: str) -> StatusError:
    """500."""
    return StatusError(500, "InternalError", f"Internal error occurred: {message}", {"causes": [{"message": message}]})


def unavailable(message: str, retry_after_s: int = 1) -> StatusError:
    """503."""
    return StatusError(503, "ServiceUnavailable", message, {"retryAfterSeconds": retry_after_s})


def timeout(message: str, retry_after_s: int = 0) -> StatusError:
    """504: the outcome of the request is unknown."""
    return StatusError(504, "Timeout", message, {"retryAfterSeconds": retry_after_s} if retry_after_s else {})


def is_reason(error: BaseException, *reasons: str) -> bool:
    """Whether `error` is a StatusError of one of `reasons`."""
    return isinstance(error, StatusError) and error.reason in reasons
