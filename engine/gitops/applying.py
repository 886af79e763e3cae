"""Carrying out a plan through the API: dry runs to see what would change, applies, prunes. One object's error never stops the others."""

import re
from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Any

from engine.base.api import Client, DeleteOptions
from engine.base.causes import Cause
from engine.base.errors import StatusError
from engine.base.objects import Obj, dig
from engine.gitops import differences
from engine.gitops.desired import Identity, Wanted
from engine.gitops.planning import (
    BLOCKED,
    CREATE,
    RECREATE,
    UNCHANGED,
    UPDATE,
    Owned,
    Step,
    digest_of,
    may_recreate,
    tracked,
)

MANAGER = "ktui-gitops"


class Applier:
    """Does the steps of one folder's plans as field manager `ktui-gitops`."""

    def __init__(self, client: Client, folder: str) -> None:
        self._client = client.acting_as(MANAGER)
        self._folder = folder

    async def preview(self, wanted: Wanted, live: Obj | None, pending: Container[Identity] = ()) -> Step:
        """What applying an object would do, by a server-side dry run. `pending` are objects that this plan will have created before."""
        identity, source = wanted.identity, wanted.document.source
        step = Step(UNCHANGED, identity, source, wanted)
        if wanted.stale:
            return step
        namespace = Identity("", "Namespace", "", identity.namespace)
        if identity.namespace and namespace in pending:
            return replace(step, action=CREATE)
        try:
            response = await self._client.apply(wanted.resource.resource, tracked(self._folder, wanted), identity.namespace, True, True)
        except StatusError as error:
            if live is not None and _is_immutable(error) and may_recreate(wanted.obj):
                return replace(step, action=RECREATE)
            return replace(step, action=BLOCKED, error=explain(wanted, error))
        if live is None:
            return replace(step, action=CREATE)
        found = differences.changes(live, response.body)
        return replace(step, action=UPDATE if found else UNCHANGED, diff=tuple(differences.texts(found)))

    async def carry_out(self, wanted: Wanted, recreate: bool) -> Owned | str:
        """Apply an object, or delete it and apply it anew; its inventory entry, or what went wrong."""
        resource, namespace = wanted.resource.resource, wanted.identity.namespace
        cause = Cause(MANAGER, 0, wanted.document.source)
        try:
            if recreate:
                options = DeleteOptions(propagation="Foreground", grace_period_s=0)
                await self._client.delete(resource, wanted.identity.name, namespace, options, cause)
            response = await self._client.apply(resource, tracked(self._folder, wanted), namespace, True, cause=cause)
        except StatusError as error:
            return explain(wanted, error)
        uid = response.body["metadata"]["uid"]
        return Owned(wanted.identity, wanted.resource.version, resource, uid, wanted.document.source, digest_of(wanted.obj))

    async def prune(self, owned: Owned) -> str:
        """Delete an object of the inventory, only the very one that was applied; what went wrong, empty for nothing."""
        try:
            await self._client.delete(
                owned.resource,
                owned.identity.name,
                owned.identity.namespace,
                DeleteOptions(propagation="Background", uid=owned.uid),
                Cause(MANAGER, 0, f"{owned.source} removed"),
            )
        except StatusError as error:
            return "" if error.code == 404 else f"{owned.identity}: {error.message}"
        return ""


_TYPED = re.compile(r"(?:^\s+|\): )\.(?P<path>\S+): (?P<said>.+)$", re.MULTILINE)
"""What server-side apply says of fields that do not fit the schema (structured-merge-diff): `  .spec.replicas: expected numeric`."""
_KEYED = re.compile(r"\[(?P<keys>\w+=.+?)\]")


def explain(wanted: Wanted, error: StatusError) -> str:
    """A server's refusal with the places in the file: `web.yaml:12: spec.replicas: Invalid value…`."""
    causes: Sequence[Obj] = (error.details or {}).get("causes") or ()
    document = wanted.document
    found = [(c.get("field") or "", c.get("message") or "") for c in causes] if error.reason == "Invalid" else []
    found = found or [(_numbered(wanted.obj, match["path"]), match["said"]) for match in _TYPED.finditer(error.message)]
    if found:
        return "; ".join(f"{document.path}:{document.line_of(field)}: {field}: {said}" for field, said in found)
    hint = ' (annotate it ktui.dev/recreate: "true" to let it be deleted and created anew)' if _is_immutable(error) else ""
    return f"{document.source}: {error.message}{hint}"


def _numbered(obj: Obj, path: str) -> str:
    """A path with list keys (`containers[name="web"].image`) as one with indices, as files and API errors count."""
    numbered = ""
    for step in re.findall(r"[^.\[\]]+|\[[^\]]*\]", path):
        keyed = _KEYED.fullmatch(step)
        if keyed is None:
            numbered += step if step.startswith("[") or not numbered else f".{step}"
            continue
        keys = [pair.partition("=") for pair in keyed["keys"].split(",")]
        items = _at(obj, numbered)
        matching = [at for at, item in enumerate(items) if all(str(item.get(k)) == v.strip('"') for k, _, v in keys)]
        numbered += f"[{matching[0]}]" if matching else ""
    return numbered


def _at(obj: Obj, path: str) -> list[Any]:
    """The list at a numbered path, empty where there is none."""
    steps = [int(step[1:-1]) if step.startswith("[") else step for step in re.findall(r"[^.\[\]]+|\[\d+\]", path)]
    found = dig(obj, *steps)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _is_immutable(error: StatusError) -> bool:
    return error.code == 422 and ("immutable" in error.message or "updates to" in error.message)
