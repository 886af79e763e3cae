"""The server: finds out what a request is, has it done, and answers errors as Status objects."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from engine.apiserver import binding, creation, deletion, documents, eviction, history, listing, scale, updating, watching
from engine.apiserver.admission_chain import AdmissionChain
from engine.apiserver.authentication import reviews as identities
from engine.apiserver.authentication import token_requests
from engine.apiserver.authentication.authenticator import Authenticator
from engine.apiserver.authentication.authority import publish_authority
from engine.apiserver.authorization import reviews
from engine.apiserver.authorization.authorizer import Authorizer
from engine.apiserver.authorization.escalation import EscalationCheck
from engine.apiserver.authorization.policy import write_defaults
from engine.apiserver.authorization.signers import SignerRights
from engine.apiserver.bootstrap import bootstrap
from engine.apiserver.context import Call, Context
from engine.apiserver.decoding import Decoder
from engine.apiserver.defaulting import Defaulter
from engine.apiserver.definitions.serving import Definitions
from engine.apiserver.expiry import EventExpiry
from engine.apiserver.negotiation import negotiate
from engine.apiserver.options import boolean
from engine.apiserver.routing import Route, Router
from engine.apiserver.services import ServiceAllocation
from engine.apiserver.storage import Storage
from engine.base.api import Request, Response, Stream
from engine.base.errors import StatusError, method_not_allowed
from engine.base.objects import Obj
from engine.base.world import World
from engine.kinds.common import registry
from engine.kinds.common.registry import Registry
from engine.store.store import Store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate

    from engine.apiserver.openapi.documents import OpenApi

Handler = Callable[[Context, Call], Response | Stream]
Connector = Callable[[Request, Obj], Awaitable[Response | Stream]]

_PART: Mapping[str, Handler] = {"GET": listing.get, "PUT": updating.update, "PATCH": updating.patch}

SUBRESOURCES: Mapping[str, Mapping[str, Handler]] = {
    "status": _PART,
    "approval": _PART,
    "ephemeralcontainers": _PART,
    "resize": _PART,
    "finalize": {"PUT": updating.update},
    "scale": {"GET": scale.get, "PUT": scale.update, "PATCH": scale.patch},
    "binding": {"POST": binding.bind},
    "eviction": {"POST": eviction.evict},
    "token": {"POST": token_requests.create},
}
"""What is served below an object, by method; what lives outside the server (`log`, `exec`) is connected."""

_VERBS: Mapping[tuple[str, bool], tuple[str, Handler]] = {
    ("GET", True): ("get", listing.get),
    ("GET", False): ("list", listing.list_objects),
    ("POST", False): ("create", creation.create),
    ("PUT", True): ("update", updating.update),
    ("PATCH", True): ("patch", updating.patch),
    ("DELETE", True): ("delete", deletion.delete),
    ("DELETE", False): ("deletecollection", deletion.delete_collection),
}
"""By method, and whether the path names an object."""

CREATE_ONLY: Mapping[str, Handler] = {
    "bindings": binding.bind_posted,
    "selfsubjectreviews.authentication.k8s.io": identities.review_self,
    "tokenreviews.authentication.k8s.io": identities.review_token,
    "selfsubjectaccessreviews.authorization.k8s.io": reviews.review_self,
    "subjectaccessreviews.authorization.k8s.io": reviews.review_subject,
    "localsubjectaccessreviews.authorization.k8s.io": reviews.review_local,
    "selfsubjectrulesreviews.authorization.k8s.io": reviews.list_rules,
}
"""Kinds that are never stored: what a POST of one does."""


class ApiServer:
    """Answers API requests over a store. The objects that every cluster starts with are made here."""

    def __init__(self, store: Store, world: World, kinds: Registry | None = None, address: str = "127.0.0.1:6443") -> None:
        """`address` is `host:port` as discovery tells it to clients."""
        kinds = kinds or registry.load()
        storage = Storage(store)
        authorizer = Authorizer(store)
        admission = AdmissionChain(store, EscalationCheck(authorizer), SignerRights(authorizer))
        services = ServiceAllocation(store, world)
        self.authenticator = Authenticator(storage, world)
        self.context = Context(world, kinds, storage, Decoder(), Defaulter(), admission, services, authorizer, self.authenticator)
        self.address = address
        self._router = Router(kinds)
        self._openapi: OpenApi | None = None
        self._connected: dict[tuple[str, str], Connector] = {}
        self._expiry = EventExpiry(kinds.by_resource["events"], storage, world)
        self._definitions = Definitions(self.context, self._serve)
        bootstrap(self.context)
        write_defaults(self.context)
        self._definitions.start()

    def _openapi_document(self, request: Request) -> Response | None:
        """Of an OpenAPI path; what builds the documents is imported for the first of them."""
        if not request.path.startswith("/openapi/"):
            return None
        if self._openapi is None:
            from engine.apiserver.openapi.documents import OpenApi

            self._openapi = OpenApi(lambda: self.context.kinds, documents.VERSION["gitVersion"])
        return self._openapi.answer(request)

    def _serve(self, kinds: Registry) -> None:
        """Route by `kinds` from now on: definitions have changed."""
        self._router = Router(kinds)

    def trust(self, certificate: "Certificate", key: "EllipticCurvePrivateKey") -> None:
        """Publish the authority that clients' certificates are checked against, and sign approved requests with it."""
        from engine.apiserver.authentication.signing import Signer

        publish_authority(self.context, certificate)
        Signer(self.context, certificate, key).start()

    def connect(self, resource: str, subresource: str, connector: Connector) -> None:
        """Have `connector(request, object)` answer for a subresource that lives outside the server: logs of containers and such."""
        self._connected[resource, subresource] = connector

    async def handle(self, request: Request, whole: bool = False) -> Response | Stream:
        """The answer to a request; errors are answers too. A watch is a Stream of `WatchEvent`.

        It suspends only where a connector does. `whole`: items of lists carry apiVersion and kind, which upstream leaves out.
        """
        try:
            route, request = self.authorized(request)
            if route is None:
                found = documents.answer(self.context.kinds, request, self.address) or self._openapi_document(request)
                return found or history.answer(self.context, request)
            call = Call(request, *route, whole)
            if route.subresource:
                connector = self._connected.get((route.kind.resource, route.subresource))
                if connector is not None:
                    return await connector(request, updating.current(self.context, call))
                return self._subresource(route, request)(self.context, call)
            return self._verb(route, request)(self.context, call)
        except StatusError as error:
            return failure(error)

    def authorized(self, request: Request) -> tuple[Route | None, Request]:
        """Where a request leads, and the request by the user as whom it is made, which may be one that it impersonates.

        Raises:
            StatusError: 403, it is not allowed; 404, the resource is not served (which only those are told who might use it).
        """
        authorizer, kinds = self.context.authorizer, self.context.kinds
        try:
            route = self._router.route(request.path)
        except StatusError:
            authorizer.admit(request, None, kinds)
            raise
        return route, authorizer.admit(request, route, kinds)

    @staticmethod
    def _subresource(route: Route, request: Request) -> Handler:
        kind, name = route.kind, route.subresource
        known = {"status": kind.status, "scale": kind.scale is not None}.get(name, name in kind.subresources)
        handlers = SUBRESOURCES.get(name)
        if not known or handlers is None:
            raise StatusError(404, "NotFound", "the server could not find the requested resource", {})
        handler = handlers.get(request.method)
        if handler is None:
            raise method_not_allowed()
        return handler

    @staticmethod
    def _verb(route: Route, request: Request) -> Handler:
        found = _VERBS.get((request.method, bool(route.name)))
        if found is None:
            raise method_not_allowed()
        verb, handler = found
        if request.method == "GET" and boolean(request.query, "watch"):
            verb, handler = "watch", watching.watch
        collection_of_all = not route.name and route.kind.namespaced and not route.namespace
        if verb not in route.kind.verbs or (collection_of_all and verb not in ("list", "watch")):
            raise method_not_allowed()
        if route.kind.verbs == ("create",):
            handler = _create_only(route)
        negotiate(request.accept)
        return handler


def _create_only(route: Route) -> Handler:
    handler = CREATE_ONLY.get(route.kind.resource)
    if handler is None:
        raise StatusError(404, "NotFound", "the server could not find the requested resource", {})
    return handler


def failure(error: StatusError) -> Response:
    """The answer that states an error."""
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    return Response(error.code, error.status(), headers=headers)
