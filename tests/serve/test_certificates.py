"""The authority, its certificates, the token: private, kept while they are good, made anew before they expire."""

import stat
from pathlib import Path

import pytest
from cryptography import x509

from engine.base.world import Ids, Streams, World
from engine.serve.certificates import SERVER_NAMES, ensure_credentials

DAY_S = 86_400.0


class _Clock:
    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def now(self) -> float:
        return self.now_s

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> _Clock:
    return _Clock(1_800_000_000.0)


@pytest.fixture
def world(clock: _Clock) -> World:
    rng = Streams(1)
    return World(clock, rng, Ids(rng.stream("ids")))


def test_everything_is_private(tmp_path: Path, world: World) -> None:
    ensure_credentials(tmp_path, world)
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["admin.token", "pki/admin.crt", "pki/admin.key", "pki/ca.crt", "pki/ca.key", "pki/server.crt", "pki/server.key"]
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in files} == {0o600}


def test_the_server_is_named_as_clients_call_it(tmp_path: Path, world: World) -> None:
    made = ensure_credentials(tmp_path, world, ["192.0.2.7", "cluster.example"]).server.certificate
    named = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    names = {*named.get_values_for_type(x509.DNSName), *map(str, named.get_values_for_type(x509.IPAddress))}
    assert names == {*SERVER_NAMES, "192.0.2.7", "cluster.example"}


def test_the_admin_is_of_the_masters(tmp_path: Path, world: World) -> None:
    assert ensure_credentials(tmp_path, world).admin.certificate.subject.rfc4514_string() == "CN=kubernetes-admin,O=system:masters"


def test_they_are_kept_until_a_month_before_they_expire(tmp_path: Path, world: World, clock: _Clock) -> None:
    first = ensure_credentials(tmp_path, world)
    clock.now_s += 334 * DAY_S
    assert ensure_credentials(tmp_path, world) == first
    clock.now_s += 2 * DAY_S
    later = ensure_credentials(tmp_path, world)
    assert later.authority == first.authority
    assert later.token == first.token
    assert later.server.certificate.not_valid_after_utc > first.server.certificate.not_valid_after_utc
    assert later.admin.certificate != first.admin.certificate


def test_a_new_authority_signs_all_anew(tmp_path: Path, world: World, clock: _Clock) -> None:
    first = ensure_credentials(tmp_path, world)
    clock.now_s += 3_640 * DAY_S
    later = ensure_credentials(tmp_path, world)
    assert later.authority.certificate != first.authority.certificate
    later.server.certificate.verify_directly_issued_by(later.authority.certificate)
    later.admin.certificate.verify_directly_issued_by(later.authority.certificate)


@pytest.mark.parametrize("name", ["pki/server.crt", "pki/server.key", "pki/admin.key", "pki/ca.key", "pki/ca.crt", "admin.token"])
@pytest.mark.parametrize("damage", [None, b"", b"garbage"])
def test_what_is_lost_or_damaged_is_made_anew(tmp_path: Path, world: World, name: str, damage: bytes | None) -> None:
    ensure_credentials(tmp_path, world)
    if damage is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(damage)
    made = ensure_credentials(tmp_path, world)
    made.server.certificate.verify_directly_issued_by(made.authority.certificate)
    assert made == ensure_credentials(tmp_path, world)
    assert made.token


def test_names_that_are_new_are_added(tmp_path: Path, world: World) -> None:
    first = ensure_credentials(tmp_path, world)
    assert ensure_credentials(tmp_path, world, ["192.0.2.7"]).server != first.server
    assert ensure_credentials(tmp_path, world).authority == first.authority
