"""Subresources that hand a connection to a container or a port: what is said where no runtime can do that."""

from engine.apiserver.server import ApiServer
from engine.base.api import Request, Response, Stream
from engine.base.errors import StatusError
from engine.base.objects import Obj, name_of

UPGRADES = (
    ("pods", "exec"),
    ("pods", "attach"),
    ("pods", "portforward"),
    ("pods", "proxy"),
    ("services", "proxy"),
    ("nodes", "proxy"),
)


def refuse_upgrades(server: ApiServer) -> None:
    """Have `exec`, `attach`, `portforward` and `proxy` of existing objects answer 501: containers of simulated nodes run nothing."""
    for resource, subresource in UPGRADES:
        server.connect(resource, subresource, _refuse)


async def _refuse(request: Request, about: Obj) -> Response | Stream:
    asked = request.path.rpartition("/")[2]
    message = f'{asked} is not supported for {about["kind"].lower()} "{name_of(about)}": simulated nodes run no processes'
    raise StatusError(501, "NotImplemented", message, {})
