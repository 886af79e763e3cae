"""A kubeconfig says where and as whom; what is wrong with it is named."""

import base64
import sys
from pathlib import Path

import pytest
import yaml

from engine.client.kubeconfig import KubeconfigError, load


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def write(path: Path, **changes: object) -> Path:
    config: dict[str, object] = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://c:6443/", "certificate-authority-data": encoded("CA")}}],
        "users": [{"name": "u", "user": {"token": "secret"}}],
        **changes,
    }
    path.write_text(yaml.safe_dump(config))
    return path


def test_the_current_context(tmp_path: Path) -> None:
    access = load([write(tmp_path / "config")])
    assert (access.context, access.server, access.token, access.namespace) == ("a", "https://c:6443", "secret", "shop")
    assert access.authority_pem == b"CA"


def test_the_first_of_several_files_wins_and_paths_count_from_their_file(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "client.pem").write_text("CERT")
    one = write(tmp_path / "one")
    two = write(
        tmp_path / "two" / "config",
        contexts=[{"name": "a", "context": {"cluster": "nosuch"}}, {"name": "b", "context": {"cluster": "c", "user": "v"}}],
        users=[{"name": "v", "user": {"client-certificate": "client.pem", "client-key-data": encoded("KEY")}}],
    )
    assert load([one, two]).token == "secret"
    other = load([one, two], "b")
    assert (other.certificate_pem, other.key_pem) == (b"CERT", b"KEY")


def test_credentials_from_a_plugin(tmp_path: Path) -> None:
    code = "import json; print(json.dumps({'status': {'token': 'from-plugin'}}))"
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": ["-c", code]}
    assert load([write(tmp_path / "config", users=[{"name": "u", "user": {"exec": plugin}}])]).token == "from-plugin"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"current-context": "nosuch"}, "there is no context 'nosuch'"),
        ({"current-context": ""}, "no current-context"),
        ({"clusters": []}, "there is no cluster 'c'"),
        ({"users": []}, "there is no user 'u'"),
        ({"clusters": [{"name": "c", "cluster": {}}]}, "has no server"),
        ({"users": [{"name": "u", "user": {"tokenFile": "nosuch"}}]}, "tokenFile"),
        ({"users": [{"name": "u", "user": {"exec": {"command": "no-such-plugin-anywhere"}}}]}, "no-such-plugin-anywhere"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(KubeconfigError, match=said):
        load([write(tmp_path / "config", **changes)])


def test_a_missing_and_a_malformed_file(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="no kubeconfig at"):
        load([tmp_path / "nosuch"])
    (tmp_path / "bad").write_text("contexts: [")
    with pytest.raises(KubeconfigError, match="bad: "):
        load([tmp_path / "bad"])
