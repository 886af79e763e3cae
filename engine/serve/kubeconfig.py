"""The kubeconfig that leads kubectl here: written to the state folder, and merged into another file on request."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from engine.serve.files import write_private

NAME = "ktui"
"""Of our cluster, user and context; entries of other names are never touched."""


class KubeconfigError(ValueError):
    """A file is no kubeconfig; the message names the file and the line."""


def entries(server: str, authority_pem: bytes, certificate_pem: bytes, key_pem: bytes) -> dict[str, Any]:
    """Our cluster, user and context, by the name of the list that each goes into."""
    return {
        "clusters": {"cluster": {"certificate-authority-data": _base64(authority_pem), "server": server}, "name": NAME},
        "contexts": {"context": {"cluster": NAME, "user": NAME}, "name": NAME},
        "users": {"name": NAME, "user": {"client-certificate-data": _base64(certificate_pem), "client-key-data": _base64(key_pem)}},
    }


def write(path: Path, ours: Mapping[str, Any]) -> None:
    """A kubeconfig of our entries alone.

    Raises:
        OSError: the file cannot be written.
    """
    _store(path, _merged({}, ours, path))


def merge(path: Path, ours: Mapping[str, Any]) -> None:
    """Put our entries into the kubeconfig at `path`, which need not exist. Its current context stays, where it has one.

    Raises:
        KubeconfigError: what is there is no kubeconfig; it is left as it is.
        OSError: the file cannot be read or written.
    """
    target = path.resolve()
    _store(target, _merged(_read(target), ours, path))


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise KubeconfigError(f"{path}:{line}: not UTF-8") from None
    try:
        found = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise KubeconfigError(f"{path}:{line}: {getattr(error, 'problem', None) or error}") from None
    if found is None:
        return {}
    if not isinstance(found, dict) or found.get("kind", "Config") != "Config":
        raise KubeconfigError(f"{path}:1: not a kubeconfig (kind: Config)")
    return found


def _merged(found: Mapping[str, Any], ours: Mapping[str, Any], path: Path) -> dict[str, Any]:
    made: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "preferences": {}, **found}
    for listed, entry in ours.items():
        before = made.get(listed) or []
        if not isinstance(before, list):
            raise KubeconfigError(f"{path}:{_line_of(path, listed)}: {listed} is no list")
        others = [e for e in before if not (isinstance(e, dict) and e.get("name") == NAME)]
        made[listed] = [*others, entry]
    made["current-context"] = made.get("current-context") or NAME
    return made


def _line_of(path: Path, key: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((n for n, line in enumerate(lines, 1) if line.startswith(f"{key}:")), 1)


def _store(path: Path, config: Mapping[str, Any]) -> None:
    write_private(path, yaml.safe_dump(dict(config), sort_keys=True, allow_unicode=True, default_flow_style=False).encode())


def _base64(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
