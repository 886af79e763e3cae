"""The kubeconfig: our entries, everyone else's untouched."""

import stat
from pathlib import Path

import pytest
import yaml

from engine.serve import kubeconfig
from engine.serve.address import Address, address_of
from engine.serve.endpoint import announcement

OURS = kubeconfig.entries("https://127.0.0.1:6443", b"ca", b"crt", b"key")
OTHER = """apiVersion: v1
kind: Config
current-context: work
clusters:
- {name: work, cluster: {server: "https://work.example"}}
contexts:
- {name: work, context: {cluster: work, user: me, namespace: a}}
users:
- {name: me, user: {token: secret}}
extensions: [{name: x, extension: {y: 1}}]
"""


def test_a_new_file_is_private_and_leads_to_us(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "config"
    kubeconfig.merge(path, OURS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = yaml.safe_load(path.read_text())
    assert (found["kind"], found["current-context"]) == ("Config", "ktui")
    assert found["clusters"] == [{"name": "ktui", "cluster": {"server": "https://127.0.0.1:6443", "certificate-authority-data": "Y2E="}}]
    assert found["users"][0]["user"] == {"client-certificate-data": "Y3J0", "client-key-data": "a2V5"}


def test_merging_leaves_other_entries_alone(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(OTHER)
    before = yaml.safe_load(OTHER)
    for _ in range(2):  # the second time replaces what the first has added
        kubeconfig.merge(path, OURS)
        found = yaml.safe_load(path.read_text())
        assert found["current-context"] == "work"
        assert found["extensions"] == before["extensions"]
        for listed in ("clusters", "contexts", "users"):
            assert found[listed][:-1] == before[listed]
            assert found[listed][-1]["name"] == "ktui"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text(OTHER)
    (tmp_path / "config").symlink_to("real")
    kubeconfig.merge(tmp_path / "config", OURS)
    assert (tmp_path / "config").is_symlink()
    assert "ktui" in (tmp_path / "real").read_text()


@pytest.mark.parametrize(
    "text, message",
    [
        ("apiVersion: v1\nclusters: [\n- {", "config:3: "),
        ("kind: Pod\n", "config:1: not a kubeconfig"),
        ("- a\n", "config:1: not a kubeconfig"),
        ("kind: Config\nusers: {a: b}\n", "config:2: users is no list"),
    ],
)
def test_a_malformed_file_is_named_with_the_line_and_left_as_it_is(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(kubeconfig.KubeconfigError) as raised:
        kubeconfig.merge(path, OURS)
    assert message in str(raised.value)
    assert path.read_text() == text


@pytest.mark.parametrize(
    "text, dialled, loopback",
    [
        ("127.0.0.1:6443", "127.0.0.1:6443", True),
        ("localhost:0", "localhost:0", True),
        ("[::1]:6443", "[::1]:6443", True),
        ("0.0.0.0:6443", "127.0.0.1:6443", False),
        ("192.0.2.7:80", "192.0.2.7:80", False),
    ],
)
def test_addresses(tmp_path: Path, text: str, dialled: str, loopback: bool) -> None:
    address = address_of(text)
    assert (str(address), address.loopback) == (dialled, loopback)
    said = "\n".join(announcement(address, tmp_path / "kubeconfig", None))
    assert ("every machine that reaches" in said) is not loopback


@pytest.mark.parametrize("text", ["6443", ":6443", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        address_of(text)


def test_an_unspecified_address_is_dialled_on_this_machine() -> None:
    assert Address("::", 1).dialled == "[::1]"
