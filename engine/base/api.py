"""Requests and answers of the API, in the shape of HTTP, and the `Client` that everything uses to make them.

The engine's own parts get a `Client` over an in-process transport, the terminal app one over a socket; real clusters get one over
HTTPS. The transports are in `engine.client`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from engine.base.causes import UNKNOWN, Cause
from engine.base.errors import StatusError, from_status, split_resource
from engine.base.objects import Obj, name_of, namespace_of

JSON = "application/json"
YAML = "application/yaml"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class User:
    """Who makes a request, after authentication."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)


ADMIN = User("kubernetes-admin", ("system:masters", "system:authenticated"))


@dataclass(frozen=True, slots=True)
class Request:
    """One API request. `body` is the object itself in process, bytes from the wire; `query` values are last-wins strings."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = JSON
    accept: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    user: User = ADMIN
    cause: Cause = UNKNOWN
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """The answer: an object (or `bytes` for logs), never changed afterwards.

    `revision` is the store revision that must be durable before anyone outside the process may see the answer; 0 for none.
    """

    status: int
    body: Any
    revision: int = 0
    warnings: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON


class WatchEvent(NamedTuple):
    """One event of a watch: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR (`object` is a Status)."""

    type: str
    object: Obj


class Stream(Protocol):
    """An answer that goes on: watch events (`WatchEvent`) or log output (`bytes`)."""

    async def batch(self) -> list[Any]:
        """All items that have arrived, after waiting for the first one; an empty list at the end of the stream."""

    def close(self) -> None:
        """Stop; a pending and every later `batch` return an empty list."""


class Transport(Protocol):
    """Carries requests to an API server and brings answers back."""

    async def send(self, request: Request) -> Response:
        """The answer to a request that is no watch. Answers with an error status are returned, not raised.

        Raises:
            StatusError: 503 when the server cannot be reached, 504 when the outcome is unknown.
        """

    async def open(self, request: Request) -> Stream:
        """The stream that a watch or a followed log opens.

        Raises:
            StatusError: the server refused.
        """

    async def close(self) -> None:
        """Give up the connection and every stream on it."""


@dataclass(frozen=True, slots=True)
class ResourceInfo:
    """What discovery says of a resource; `resource` is `pods` or `deployments.apps`."""

    resource: str
    version: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...] = ()
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    singular: str = ""
    subresources: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """API group; empty for core."""
        return split_resource(self.resource)[1]

    @property
    def plural(self) -> str:
        """The name in paths."""
        return split_resource(self.resource)[0]

    @property
    def api_version(self) -> str:
        """`v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of the collection, an object, or a subresource."""
        parts = ["/apis" if self.group else "/api", self.api_version]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=":"))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


AGGREGATED_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def read_discovery(document: Obj) -> list[ResourceInfo]:
    """The resources of an aggregated discovery document (`APIGroupDiscoveryList`), preferred version of each group first."""
    found: list[ResourceInfo] = []
    for group in document.get("items") or ():
        group_name = (group.get("metadata") or {}).get("name") or ""
        for version in group.get("versions") or ():
            for r in version.get("resources") or ():
                found.append(
                    ResourceInfo(
                        resource=f"{r['resource']}.{group_name}" if group_name else r["resource"],
                        version=version["version"],
                        kind=(r.get("responseKind") or {}).get("kind") or "",
                        namespaced=r.get("scope") == "Namespaced",
                        verbs=tuple(r.get("verbs") or ()),
                        short_names=tuple(r.get("shortNames") or ()),
                        categories=tuple(r.get("categories") or ()),
                        singular=r.get("singularResource") or "",
                        subresources=tuple(s["subresource"] for s in r.get("subresources") or ()),
                    )
                )
    return found


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list or watch asks for; empty fields are not sent."""

    namespace: str = ""
    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    continue_token: str = ""
    resource_version: str = ""
    resource_version_match: str = ""
    bookmarks: bool = False
    send_initial_events: bool = False

    def query(self) -> dict[str, str]:
        """Query parameters."""
        pairs = {
            "labelSelector": self.label_selector,
            "fieldSelector": self.field_selector,
            "limit": str(self.limit or ""),
            "continue": self.continue_token,
            "resourceVersion": self.resource_version,
            "resourceVersionMatch": self.resource_version_match,
            "allowWatchBookmarks": "true" if self.bookmarks else "",
            "sendInitialEvents": "true" if self.send_initial_events else "",
        }
        return {k: v for k, v in pairs.items() if v}


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How to delete; None leaves it to the kind's default."""

    grace_period_s: int | None = None
    propagation: str = ""
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False

    def body(self) -> Obj | None:
        """The `DeleteOptions` object; None where nothing is asked for."""
        preconditions = {k: v for k, v in (("uid", self.uid), ("resourceVersion", self.resource_version)) if v}
        fields: dict[str, Any] = {}
        if self.grace_period_s is not None:
            fields["gracePeriodSeconds"] = self.grace_period_s
        if self.propagation:
            fields["propagationPolicy"] = self.propagation
        if preconditions:
            fields["preconditions"] = preconditions
        if self.dry_run:
            fields["dryRun"] = ["All"]
        return {"kind": "DeleteOptions", "apiVersion": "v1", **fields} if fields else None


class Client:
    """Makes API requests as one actor. Every method raises StatusError where the server answers with an error.

    `resource` is `pods` or `deployments.apps`; its version and scope come from discovery, which is read once and again when a
    resource is not known (a new CRD).
    """

    def __init__(
        self, transport: Transport, actor: str = "unknown", user: User = ADMIN, resources: Mapping[str, ResourceInfo] | None = None
    ):
        self.transport = transport
        self.actor = actor
        self.user = user
        self._resources: dict[str, ResourceInfo] = dict(resources or {})

    def acting_as(self, actor: str, user: User | None = None) -> "Client":
        """A client on the same transport for another component; field manager and cause carry its name."""
        made = Client(self.transport, actor, user or self.user)
        made._resources = self._resources
        return made

    async def discover(self) -> list[ResourceInfo]:
        """Read discovery; afterwards every resource of the server is known."""
        found: list[ResourceInfo] = []
        for path in ("/api", "/apis"):
            response = await self.send(Request("GET", path, accept=AGGREGATED_DISCOVERY, user=self.user, user_agent=self.actor))
            found += read_discovery(response.body)
        for info in reversed(found):
            self._resources[info.resource] = info
        return found

    async def info(self, resource: str) -> ResourceInfo:
        """What discovery says of `resource`.

        Raises:
            StatusError: 404, the server does not serve it.
        """
        known = self._resources.get(resource)
        if known is None:
            await self.discover()
            known = self._resources.get(resource)
        if known is None:
            raise StatusError(404, "NotFound", f"the server could not find the requested resource ({resource})", {})
        return known

    async def send(self, request: Request) -> Response:
        """A raw request; an answer with an error status is raised."""
        response = await self.transport.send(request)
        if response.status >= 400:
            raise _error_of(response)
        return response

    async def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Any,
        content_type: str = JSON,
        cause: Cause | None = None,
        accept: str = JSON,
    ) -> Response:
        """A request as this actor."""
        return await self.send(
            Request(
                method, path, query, body, content_type, accept, user=self.user, cause=cause or Cause(self.actor), user_agent=self.actor
            )
        )

    async def get(self, resource: str, name: str, namespace: str = "", subresource: str = "") -> Obj:
        """One object."""
        info = await self.info(resource)
        return _object(await self.call("GET", info.path(namespace, name, subresource), {}, None))

    async def list(self, resource: str, query: ListQuery | None = None, accept: str = JSON) -> Obj:
        """A list object with `items` (or a Table with `rows`) and `metadata.resourceVersion`."""
        query = query or ListQuery()
        info = await self.info(resource)
        return _object(await self.call("GET", info.path(query.namespace), query.query(), None, accept=accept))

    async def watch(self, resource: str, query: ListQuery | None = None, accept: str = JSON) -> Stream:
        """A stream of `WatchEvent`; objects are Tables of one or more rows where `accept` is TABLE."""
        query = query or ListQuery()
        info = await self.info(resource)
        return await self.transport.open(
            Request(
                "GET",
                info.path(query.namespace),
                {**query.query(), "watch": "true"},
                accept=accept,
                user=self.user,
                cause=Cause(self.actor),
                user_agent=self.actor,
            )
        )

    async def create(self, resource: str, obj: Obj, namespace: str = "", cause: Cause | None = None, dry_run: bool = False) -> Obj:
        """The created object."""
        info = await self.info(resource)
        path = info.path(namespace or namespace_of(obj))
        return _object(await self.call("POST", path, self._writing(dry_run), obj, cause=cause))

    async def create_subresource(
        self, resource: str, name: str, subresource: str, body: Obj, namespace: str = "", cause: Cause | None = None
    ) -> Obj:
        """POST to a subresource: `binding`, `eviction`, `token`."""
        info = await self.info(resource)
        return _object(await self.call("POST", info.path(namespace, name, subresource), self._writing(False), body, cause=cause))

    async def update(self, resource: str, obj: Obj, subresource: str = "", cause: Cause | None = None, dry_run: bool = False) -> Obj:
        """Replace an object; 409 where metadata.resourceVersion is given and stale."""
        info = await self.info(resource)
        path = info.path(namespace_of(obj), name_of(obj), subresource)
        return _object(await self.call("PUT", path, self._writing(dry_run), obj, cause=cause))

    async def patch(
        self,
        resource: str,
        name: str,
        patch: Any,
        namespace: str = "",
        subresource: str = "",
        content_type: str = MERGE_PATCH,
        cause: Cause | None = None,
        dry_run: bool = False,
    ) -> Obj:
        """The patched object; `content_type` says which kind of patch."""
        info = await self.info(resource)
        path = info.path(namespace, name, subresource)
        return _object(await self.call("PATCH", path, self._writing(dry_run), patch, content_type, cause))

    async def apply(
        self, resource: str, obj: Obj, namespace: str = "", force: bool = False, dry_run: bool = False, cause: Cause | None = None
    ) -> Response:
        """Server-side apply as this actor; status 201 says that it was created."""
        info = await self.info(resource)
        path = info.path(namespace or namespace_of(obj), name_of(obj))
        query = {**self._writing(dry_run), "force": "true" if force else "false"}
        return await self.call("PATCH", path, query, obj, APPLY_PATCH, cause)

    async def delete(
        self, resource: str, name: str, namespace: str = "", options: DeleteOptions | None = None, cause: Cause | None = None
    ) -> Obj:
        """The object as it is now (still there, terminating) or a Status (gone)."""
        info = await self.info(resource)
        return _object(await self.call("DELETE", info.path(namespace, name), {}, options.body() if options else None, cause=cause))

    async def delete_collection(
        self, resource: str, query: ListQuery, options: DeleteOptions | None = None, cause: Cause | None = None
    ) -> Obj:
        """Delete everything that `query` selects."""
        info = await self.info(resource)
        return _object(
            await self.call("DELETE", info.path(query.namespace), query.query(), options.body() if options else None, cause=cause)
        )

    async def logs(self, name: str, namespace: str, options: Mapping[str, str]) -> Stream:
        """Output of a container; `options` are the query parameters of `pods/log` (container, follow, tailLines…)."""
        info = await self.info("pods")
        return await self.transport.open(
            Request("GET", info.path(namespace, name, "log"), options, user=self.user, cause=Cause(self.actor), user_agent=self.actor)
        )

    def _writing(self, dry_run: bool) -> dict[str, str]:
        query = {"fieldManager": self.actor}
        if dry_run:
            query["dryRun"] = "All"
        return query


def _error_of(response: Response) -> StatusError:
    """The error of an answer; of one that is no Status (a path that is no resource) from its text."""
    if isinstance(response.body, dict):
        return from_status(response.body)
    text = response.body.decode(errors="replace") if isinstance(response.body, bytes) else str(response.body or "")
    return StatusError(response.status, "", text.strip())


def _object(response: Response) -> Obj:
    body: Obj = response.body
    return body


async def pages(client: Client, resource: str, query: ListQuery, size: int = 500) -> AsyncIterator[Obj]:
    """Every object of a list, read in pages of `size`."""
    token = ""
    while True:
        page = await client.list(resource, ListQuery(query.namespace, query.label_selector, query.field_selector, size, token))
        for item in page.get("items") or ():
            yield item
        token = (page.get("metadata") or {}).get("continue") or ""
        if not token:
            return
