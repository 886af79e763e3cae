"""What requests work on, and what is known of the request at hand."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.base.api import Request
from engine.base.causes import UNKNOWN, Cause
from engine.base.clock import rfc3339
from engine.base.objects import Obj
from engine.base.world import World
from engine.kinds.common.model import Kind
from engine.kinds.common.registry import Registry
from engine.schema.types import TypeInfo

if TYPE_CHECKING:
    from engine.apiserver.admission_chain import AdmissionChain
    from engine.apiserver.authentication.authenticator import Authenticator
    from engine.apiserver.authorization.authorizer import Authorizer
    from engine.apiserver.decoding import Decoder
    from engine.apiserver.defaulting import Defaulter
    from engine.apiserver.services import ServiceAllocation
    from engine.apiserver.storage import Storage


@dataclass(slots=True)
class Context:
    """The parts of the server that the verbs use."""

    world: World
    kinds: Registry
    storage: "Storage"
    decoder: "Decoder"
    defaulted: "Defaulter"
    admission: "AdmissionChain"
    services: "ServiceAllocation"
    authorizer: "Authorizer"
    authenticator: "Authenticator"

    def time(self) -> str:
        """Now, as metadata shows it."""
        return rfc3339(self.world.clock.now())


@dataclass(slots=True)
class Call:
    """A request on a resource: where its path leads, and the warnings that its answer will carry."""

    request: Request
    kind: Kind
    version: str
    namespace: str
    name: str
    subresource: str
    whole: bool = False
    """List items keep apiVersion and kind, which upstream leaves out; in-process clients get the stored objects themselves."""
    warnings: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        """Add a warning, once."""
        if text not in self.warnings:
            self.warnings.append(text)

    @property
    def cause(self) -> Cause:
        """Why the request is made; of a client that does not say, who makes it and with what."""
        cause = self.request.cause
        return cause if cause != UNKNOWN else Cause(self.request.user.name, 0, self.request.user_agent)

    @property
    def api_version(self) -> str:
        """`v1`, `apps/v1`: the version of the path."""
        return self.kind.api_version(self.version)

    @property
    def type_info(self) -> TypeInfo | None:
        """The schema of the kind in the path's version; None where there is none."""
        return self.kind.type_in(self.version)


def is_stored_form(kind: Kind, version: str) -> bool:
    """Whether objects of a served version look as they are stored."""
    return version == kind.storage and not kind.stored_as


def in_version(kind: Kind, version: str, obj: Obj) -> Obj:
    """A stored object in a served version; itself in the storage version."""
    if is_stored_form(kind, version):
        return obj
    converters = kind.convert.get(version)
    converted = converters[0](obj) if converters else obj
    return {**converted, "apiVersion": kind.api_version(version)}


def from_version(kind: Kind, version: str, obj: Obj) -> Obj:
    """An object of a served version as it is stored."""
    if is_stored_form(kind, version):
        return obj
    converters = kind.convert.get(version)
    converted = converters[1](obj) if converters else obj
    return converted if kind.stored_as else {**converted, "apiVersion": kind.api_version()}
