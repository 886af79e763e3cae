"""What Services are given: cluster IPs, node ports, health check ports (pkg/registry/core/service/storage/alloc.go)."""

from collections.abc import Sequence
from typing import Any

from engine.apiserver.allocators import (
    NODE_PORT_FIRST,
    NODE_PORT_LAST,
    Allocator,
    FullError,
    OutsideError,
    TakenError,
    address_allocator,
    address_number,
    address_text,
    port_allocator,
)
from engine.base import fields
from engine.base.errors import StatusError, internal, invalid
from engine.base.objects import Obj, name_of
from engine.base.world import World
from engine.kinds.common.model import Kind
from engine.kinds.common.serviceports import needs_cluster_ip, needs_health_check_port, needs_node_port, node_ports
from engine.store.store import Store

SERVICES = "services"
HEADLESS = "None"

_Taken = list[tuple[Allocator, int]]


class ServiceAllocation:
    """The addresses and ports in use; built from the Services in the store."""

    def __init__(self, store: Store, world: World) -> None:
        self._addresses = address_allocator(world.rng.stream("service-addresses").randint)
        self._ports = port_allocator(world.rng.stream("node-ports").randint)
        for service in store.list(SERVICES):
            for allocator, number in self._numbers(service):
                allocator.take(number)

    def created(self, kind: Kind, obj: Obj, dry_run: bool) -> Obj:
        """A new object with what it needs allocated; in a dry run everything is given back at once.

        Raises:
            StatusError: 422, it asks for what cannot be had; 500, nothing is left.
        """
        return self._allocated(obj, None, dry_run) if kind.resource == SERVICES else obj

    def updated(self, kind: Kind, old: Obj, obj: Obj, dry_run: bool) -> Obj:
        """A changed object with what it needs in addition allocated, and what it gave up released."""
        if kind.resource != SERVICES or obj.get("spec") is old.get("spec"):
            return obj
        made = self._allocated(obj, old, dry_run)
        if not dry_run:
            kept = self._numbers(made)
            for allocator, number in self._numbers(old):
                if (allocator, number) not in kept:
                    allocator.release(number)
        return made

    def deleted(self, kind: Kind, last: Obj) -> None:
        """An object is gone: what it had is free."""
        if kind.resource == SERVICES:
            for allocator, number in self._numbers(last):
                allocator.release(number)

    def _numbers(self, service: Obj) -> _Taken:
        """All that a Service holds; a port that it uses for two protocols once."""
        spec = service.get("spec") or {}
        addresses = [address_number(a) for a in _addresses(spec)]
        ports = [*node_ports(spec), *([spec["healthCheckNodePort"]] if spec.get("healthCheckNodePort") else [])]
        found: _Taken = [(self._addresses, number) for number in addresses if number >= 0]
        return found + [(self._ports, number) for number in dict.fromkeys(ports)]

    def _allocated(self, service: Obj, old: Obj | None, dry_run: bool) -> Obj:
        held = self._numbers(old) if old is not None else []
        taken: _Taken = []
        try:
            spec = self._with_address(service, held, taken)
            spec = self._with_ports(service, spec, held, taken)
        except StatusError:
            _release(taken)
            raise
        if dry_run:
            _release(taken)
        return service if spec is service["spec"] else {**service, "spec": spec}

    def _with_address(self, service: Obj, held: _Taken, taken: _Taken) -> Obj:
        spec: Obj = service["spec"]
        if not needs_cluster_ip(spec) or spec.get("clusterIP") == HEADLESS:
            return spec
        given = spec.get("clusterIP")
        if not given:
            try:
                number = self._addresses.take_any()
            except FullError:
                raise internal("failed to allocate a serviceIP: range is full") from None
            taken.append((self._addresses, number))
            text = address_text(number)
            return {**spec, "clusterIP": text, "clusterIPs": [text]}
        wanted = (self._addresses, address_number(given))
        if wanted not in held:
            why = _take(*wanted, "the provided network does not match the current range", "provided IP is already allocated")
            if why:
                error = fields.invalid("spec.clusterIPs", [given], f"failed to allocate IP {given}: {why}")
                raise _invalid(service, error)
            taken.append(wanted)
        return spec

    def _with_ports(self, service: Obj, spec: Obj, held: _Taken, taken: _Taken) -> Obj:
        ports: Sequence[Obj] = spec.get("ports") or ()
        if needs_node_port(spec):
            made = self._node_ports(service, ports, held, taken)
            if made is not ports:
                spec = {**spec, "ports": made}
        if needs_health_check_port(spec):
            given = spec.get("healthCheckNodePort") or 0
            number = self._port(service, "spec.healthCheckNodePort", given, held, taken)
            if number != given:
                spec = {**spec, "healthCheckNodePort": number}
        return spec

    def _node_ports(self, service: Obj, ports: Sequence[Obj], held: _Taken, taken: _Taken) -> Sequence[Obj]:
        """Ports with node ports. One number serves two protocols of the same port, and is taken once."""
        given = {p["nodePort"] for p in ports if p.get("nodePort")}
        for i, port in enumerate(ports):
            number = port.get("nodePort")
            if number and (self._ports, number) not in taken:
                self._port(service, f"spec.ports[{i}].nodePort", number, held, taken)
        if len(given) == len(ports) or all(p.get("nodePort") for p in ports):
            return ports
        by_port: dict[Any, int] = {p["port"]: p["nodePort"] for p in ports if p.get("nodePort")}
        made = []
        for i, port in enumerate(ports):
            if not port.get("nodePort"):
                number = by_port.get(port["port"]) or self._port(service, f"spec.ports[{i}].nodePort", 0, held, taken)
                by_port[port["port"]] = number
                port = {**port, "nodePort": number}
            made.append(port)
        return made

    def _port(self, service: Obj, at: str, number: int, held: _Taken, taken: _Taken) -> int:
        if not number:
            try:
                number = self._ports.take_any()
            except FullError:
                raise internal("failed to allocate a nodePort: range is full") from None
        elif (self._ports, number) not in held:
            outside = f"provided port is not in the valid range. The range of valid ports is {NODE_PORT_FIRST}-{NODE_PORT_LAST}"
            why = _take(self._ports, number, outside, "provided port is already allocated")
            if why:
                raise _invalid(service, fields.invalid(at, number, why))
        else:
            return number
        taken.append((self._ports, number))
        return number


def _addresses(spec: Obj) -> list[str]:
    given = spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else [])
    return [a for a in given if a != HEADLESS]


def _take(allocator: Allocator, number: int, outside: str, already: str) -> str:
    """Take a number; why that fails, or nothing."""
    try:
        allocator.take(number)
    except OutsideError:
        return outside
    except TakenError:
        return already
    return ""


def _release(taken: _Taken) -> None:
    for allocator, number in taken:
        allocator.release(number)


def _invalid(service: Obj, error: fields.FieldError) -> StatusError:
    return invalid("Service", "", name_of(service), [error])
