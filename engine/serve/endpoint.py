"""HTTPS of one engine: its credentials, its port, its kubeconfig, and what it says about them."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.base.world import World
from engine.serve import kubeconfig
from engine.serve.address import Address
from engine.serve.callers import Callers, TokenReader
from engine.serve.certificates import Credentials, Pair, ensure_credentials
from engine.serve.https import Durability, Handler, HttpsServer

log = logging.getLogger(__name__)

RENEWAL_PERIOD_S = 12 * 3600.0
"""How often it is looked whether the certificates are about to expire."""


class Endpoint:
    """Serves the API over HTTPS as `folder`'s engine. `start`, then `stop`; between them certificates are renewed."""

    def __init__(self, folder: Path, world: World, handler: Handler, store: Durability) -> None:
        self.folder = folder
        self._world = world
        self._handler = handler
        self._store = store
        self._server: HttpsServer | None = None
        self._tls: ssl.SSLContext | None = None
        self._renewing: asyncio.Task[None] | None = None
        self.authority: Pair | None = None
        """What signs the server's and the clients' certificates; None before `start`."""

    async def start(self, address: Address, read_token: TokenReader | None = None, merge_into: Path | None = None) -> Address:
        """Listen; write the kubeconfig, and merge it into `merge_into`. Returns the address with its port.

        Raises:
            OSError: the address cannot be bound, or the folder not be used.
            KubeconfigError: `merge_into` is malformed.
        """
        credentials = await asyncio.to_thread(self._credentials, address)
        self.authority = credentials.authority
        self._tls = _context(credentials)
        self._server = HttpsServer(self._handler, self._store, Callers(credentials.token, read_token), self._world.ids)
        _, port = await self._server.start(address.host, address.port, self._tls)
        bound = Address(address.host, port)
        self._write(credentials, bound, merge_into)
        self._renewing = asyncio.get_running_loop().create_task(self._renew(bound, merge_into))
        return bound

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._renewing is not None:
            self._renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewing
        if self._server is not None:
            await self._server.stop()

    @property
    def streams(self) -> int:
        """How many watches and followed logs are open."""
        return len(self._server.streams) if self._server is not None else 0

    @property
    def kubeconfig_file(self) -> Path:
        """The kubeconfig in the state folder."""
        return self.folder / "kubeconfig"

    def _credentials(self, address: Address) -> Credentials:
        hosts = () if address.loopback or address.dialled != address.host else (address.host,)
        return ensure_credentials(self.folder, self._world, hosts)

    def _write(self, credentials: Credentials, bound: Address, merge_into: Path | None) -> None:
        entries = _entries(credentials, bound)
        kubeconfig.write(self.kubeconfig_file, entries)
        if merge_into is not None:
            kubeconfig.merge(merge_into, entries)

    async def _renew(self, bound: Address, merge_into: Path | None) -> None:
        known: Credentials | None = None
        while self._tls is not None:
            await asyncio.sleep(RENEWAL_PERIOD_S)
            credentials = await asyncio.to_thread(self._credentials, bound)
            if known is not None and known.server.certificate == credentials.server.certificate:
                continue
            known = credentials
            _load(self._tls, credentials)
            self._write(credentials, bound, merge_into)


def announcement(bound: Address, kubeconfig_file: Path, merged_into: Path | None) -> Iterator[str]:
    """What a user is told: where it serves, the one line to use it, and what another address than this machine's exposes."""
    yield f"serving https://{bound}"
    yield (
        f"  kubectl --kubeconfig {merged_into} --context {kubeconfig.NAME} get nodes"
        if merged_into
        else (f"  export KUBECONFIG={kubeconfig_file}")
    )
    if not bound.loopback:
        yield (
            f"  every machine that reaches {bound.host}:{bound.port} can try to log in; whoever has the client key in the kubeconfig "
            "or the token in admin.token is administrator"
        )


def _entries(credentials: Credentials, bound: Address) -> Mapping[str, Any]:
    return kubeconfig.entries(
        f"https://{bound}", credentials.authority.certificate_pem, credentials.admin.certificate_pem, credentials.admin.key_pem
    )


def _context(credentials: Credentials) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    _load(context, credentials)
    return context


def _load(context: ssl.SSLContext, credentials: Credentials) -> None:
    context.load_verify_locations(cafile=str(credentials.authority.certificate_file))
    context.load_cert_chain(str(credentials.server.certificate_file), str(credentials.server.key_file))
