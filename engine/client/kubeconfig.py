"""Reading a kubeconfig: where a context's server is and who we are there (client-go tools/clientcmd)."""

import base64
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

EXEC_TIMEOUT_S = 30.0


class KubeconfigError(Exception):
    """A kubeconfig cannot be used; the message names the file and the entry."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a cluster. PEM texts are the contents, not file names; `namespace` is the context's."""

    context: str
    server: str
    authority_pem: bytes = b""
    verify: bool = True
    server_name: str = ""
    certificate_pem: bytes = b""
    key_pem: bytes = b""
    token: str = ""
    basic: tuple[str, str] = ("", "")
    namespace: str = ""


def default_paths() -> list[Path]:
    """The files of KUBECONFIG, or ~/.kube/config."""
    named = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return named or [Path.home() / ".kube" / "config"]


def load(paths: list[Path], context: str = "") -> Access:
    """The access of a context (default: the current one) from files that are merged, the first one winning.

    Raises:
        KubeconfigError: no file, a malformed one, an unknown context, or credentials that cannot be had.
    """
    config = _Merged([path for path in paths if path.is_file()])
    if not config.files:
        raise KubeconfigError(f"no kubeconfig at {', '.join(map(str, paths))}")
    name = context or config.current
    if not name:
        raise KubeconfigError(f"{config.files[0]} has no current-context; name one with --context")
    chosen = config.entry("contexts", "context", name)
    cluster = config.entry("clusters", "cluster", chosen.get("cluster") or "")
    user = config.entry("users", "user", chosen["user"]) if chosen.get("user") else {}
    if not cluster.get("server"):
        raise KubeconfigError(f"cluster {chosen.get('cluster')!r} has no server")
    user = {**user, **_executed(user["exec"])} if user.get("exec") else user
    token = user.get("token") or (_file(user, "tokenFile").decode().strip() if user.get("tokenFile") else "")
    return Access(
        name,
        str(cluster["server"]).rstrip("/"),
        _pem(cluster, "certificate-authority"),
        not cluster.get("insecure-skip-tls-verify"),
        cluster.get("tls-server-name") or "",
        _pem(user, "client-certificate"),
        _pem(user, "client-key"),
        token,
        (user.get("username") or "", user.get("password") or ""),
        chosen.get("namespace") or "",
    )


class _Merged:
    """Several files as one; entries remember the folder that relative paths count from."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.current = ""
        self._entries: dict[tuple[str, str], dict[str, Any]] = {}
        for path in files:
            self._add(path)

    def _add(self, path: Path) -> None:
        try:
            config = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
            raise KubeconfigError(f"{path}: {' '.join(str(error).split())}") from error
        if not isinstance(config, dict):
            raise KubeconfigError(f"{path}: not a kubeconfig")
        self.current = self.current or config.get("current-context") or ""
        for kind in ("contexts", "clusters", "users"):
            for entry in config.get(kind) or ():
                if isinstance(entry, dict) and entry.get("name"):
                    self._entries.setdefault((kind, entry["name"]), {**entry, "folder": path.parent})

    def entry(self, kind: str, field: str, name: str) -> dict[str, Any]:
        """The contents of an entry, with the folder of its file.

        Raises:
            KubeconfigError: there is none of this name.
        """
        found = self._entries.get((kind, name))
        if found is None:
            known = ", ".join(sorted(n for k, n in self._entries if k == kind)) or "none"
            raise KubeconfigError(f"there is no {field} {name!r} in {', '.join(map(str, self.files))} (known: {known})")
        return {**(found.get(field) or {}), "folder": found["folder"]}


def _pem(entry: Mapping[str, Any], name: str) -> bytes:
    if entry.get(f"{name}-data"):
        return base64.b64decode(entry[f"{name}-data"])
    return _file(entry, name) if entry.get(name) else b""


def _file(entry: Mapping[str, Any], name: str) -> bytes:
    path = Path(str(entry["folder"])) / str(entry[name])
    try:
        return path.read_bytes()
    except OSError as error:
        raise KubeconfigError(f"{name} {path}: {error.strerror or error}") from error


def _executed(plugin: Mapping[str, Any]) -> dict[str, Any]:
    """Credentials from a plugin (client.authentication.k8s.io ExecCredential)."""
    command = [plugin.get("command") or "", *(plugin.get("args") or ())]
    environment = {**os.environ, **{e["name"]: e["value"] for e in plugin.get("env") or ()}}
    environment["KUBERNETES_EXEC_INFO"] = orjson.dumps(
        {"apiVersion": plugin.get("apiVersion"), "kind": "ExecCredential", "spec": {"interactive": False}}
    ).decode()
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=EXEC_TIMEOUT_S, check=True)
        status = orjson.loads(done.stdout).get("status") or {}
    except (OSError, subprocess.SubprocessError, orjson.JSONDecodeError) as error:
        raise KubeconfigError(f"credential plugin {command[0]!r}: {error}; {plugin.get('installHint') or ''}".rstrip("; ")) from error
    found = {"token": status.get("token") or ""}
    for ours, theirs in (("client-certificate-data", "clientCertificateData"), ("client-key-data", "clientKeyData")):
        if status.get(theirs):
            found[ours] = base64.b64encode(status[theirs].encode()).decode()
    return found
