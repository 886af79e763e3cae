"""Questions about access, answered and never stored (pkg/registry/authorization/*)."""

from typing import Any

from engine.apiserver.authorization.attributes import Attributes
from engine.apiserver.authorization.authorizer import of_review
from engine.apiserver.context import Call, Context
from engine.apiserver.options import write_options
from engine.apiserver.ownership import managed
from engine.apiserver.representation import warnings_of
from engine.base import fields
from engine.base.api import Response, User
from engine.base.errors import bad_request, invalid
from engine.base.fields import FieldError
from engine.base.objects import Obj

_BOTH = "cannot be specified in combination with resourceAttributes"
_NEITHER = "exactly one of nonResourceAttributes or resourceAttributes must be specified"


def review_self(ctx: Context, call: Call) -> Response:
    """SelfSubjectAccessReview: may I?"""
    review = _decoded(ctx, call)
    _check(call, review, _attribute_errors(review["spec"]))
    return answered(call, review, _decision(ctx, call.request.user, of_review(review["spec"])))


def review_subject(ctx: Context, call: Call) -> Response:
    """SubjectAccessReview: may they?"""
    review = _decoded(ctx, call)
    spec = review["spec"]
    _check(call, review, [*_attribute_errors(spec), *_subject_errors(spec)])
    return answered(call, review, _decision(ctx, _subject(spec), of_review(spec)))


def review_local(ctx: Context, call: Call) -> Response:
    """LocalSubjectAccessReview: may they, in this namespace?"""
    review = _decoded(ctx, call)
    spec = review["spec"]
    namespace = (spec.get("resourceAttributes") or {}).get("namespace") or ""
    errors = [*_attribute_errors(spec), *_subject_errors(spec)]
    if spec.get("nonResourceAttributes") is not None:
        errors.append(fields.invalid("spec.nonResourceAttributes", spec["nonResourceAttributes"], "disallowed on this kind of request"))
    _check(call, review, errors)
    if namespace != call.namespace:
        raise bad_request(f"spec.resourceAttributes.namespace must match namespace: {call.namespace}")
    return answered(call, review, _decision(ctx, _subject(spec), of_review(spec)))


def list_rules(ctx: Context, call: Call) -> Response:
    """SelfSubjectRulesReview: what may I in a namespace?"""
    review = _decoded(ctx, call)
    namespace = review["spec"].get("namespace")
    if not namespace:
        raise bad_request("no namespace on request")
    rules, errors = ctx.authorizer.resolver.rules_for(call.request.user, namespace)
    status: dict[str, Any] = {
        "resourceRules": [_shown(r, "apiGroups", "resources", "resourceNames") for r in rules if r.get("resources")],
        "nonResourceRules": [_shown(r, "nonResourceURLs") for r in rules if r.get("nonResourceURLs")],
        "incomplete": bool(errors),
    }
    if errors:
        status["evaluationError"] = errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]"
    return answered(call, {**review, "spec": {}}, status)


def answered(call: Call, review: Obj, status: Obj) -> Response:
    """The answer with a review that has its status."""
    return Response(201, {**review, "status": status}, 0, warnings_of(call))


def _decoded(ctx: Context, call: Call) -> Obj:
    options = write_options(call.request, "CreateOptions")
    decoded = ctx.decoder.decode(call, options.field_validation)
    if not isinstance(decoded.get("spec"), dict):
        decoded = {**decoded, "spec": {}}
    if not decoded.get("metadata"):
        decoded = {**decoded, "metadata": {}}
    return managed(ctx, call, None, decoded, options)


def _decision(ctx: Context, user: User, asked: Attributes) -> Obj:
    allowed, reason = ctx.authorizer.decide(user, asked)
    return {"allowed": allowed, **({"reason": reason} if reason else {})}


def _subject(spec: Obj) -> User:
    extra = {key.lower(): list(values or ()) for key, values in (spec.get("extra") or {}).items()}
    return User(spec.get("user") or "", tuple(spec.get("groups") or ()), spec.get("uid") or "", extra)


def _attribute_errors(spec: Obj) -> list[FieldError]:
    resource, other = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and other is not None:
        return [fields.invalid("spec.nonResourceAttributes", other, _BOTH)]
    return [fields.invalid("spec.resourceAttributes", None, _NEITHER)] if resource is None and other is None else []


def _subject_errors(spec: Obj) -> list[FieldError]:
    if spec.get("user") or spec.get("groups"):
        return []
    return [fields.invalid("spec.user", spec.get("user") or "", "at least one of user or group must be specified")]


def _check(call: Call, review: Obj, errors: list[FieldError]) -> None:
    """Refuse a malformed review; upstream allows nothing of metadata but managedFields and namespace."""
    name = (review.get("metadata") or {}).get("name") or ""
    if errors:
        raise invalid(call.kind.kind, call.kind.group, name, errors)


def _shown(rule: Obj, *names: str) -> Obj:
    return {"verbs": rule.get("verbs") or [], **{name: rule[name] for name in names if rule.get(name)}}
