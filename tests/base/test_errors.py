"""Errors state what a real API server states."""

from engine.base import errors, fields


def test_status_of_a_missing_object() -> None:
    assert errors.not_found("deployments.apps", "web").status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'deployments.apps "web" not found',
        "reason": "NotFound",
        "details": {"name": "web", "group": "apps", "kind": "deployments"},
        "code": 404,
    }


def test_several_field_errors_are_bracketed_and_each_is_a_cause() -> None:
    found = [fields.required("spec.a"), fields.invalid("spec.b", -1, "must be positive"), fields.not_supported("spec.c", "x", ["Z", "A"])]
    error = errors.invalid("Pod", "", "p", found)
    assert error.message == (
        'Pod "p" is invalid: [spec.a: Required value, spec.b: Invalid value: -1: must be positive, '
        'spec.c: Unsupported value: "x": supported values: "A", "Z"]'
    )
    assert [cause["field"] for cause in error.status()["details"]["causes"]] == ["spec.a", "spec.b", "spec.c"]


def test_a_status_becomes_the_error_that_it_states() -> None:
    original = errors.too_many_requests("slow down", 5)
    again = errors.from_status(original.status())
    assert (again.code, again.reason, again.message, again.retry_after_s) == (429, "TooManyRequests", "slow down", 5)
