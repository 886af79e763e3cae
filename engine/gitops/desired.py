"""What the folder wants: files and what they held before -> desired objects, with every problem at its place. Pure."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.base.api import ResourceInfo
from engine.base.objects import Obj, annotations_of, name_of, namespace_of, put
from engine.gitops import ordering
from engine.gitops.documents import Document, DocumentError, Problem, parse
from engine.gitops.files import FoundFile, Scan

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")
FOLLOWED = frozenset(("apiVersion", "kind", "metadata", "resources", "bases"))

SYNCED, STALE, ERROR, SKIPPED, SETTLING = "Synced", "Stale", "Error", "Skipped", "Settling"


class Identity(NamedTuple):
    """What an object is, whatever file it is in."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"


@dataclass(frozen=True, slots=True)
class FileState:
    """What became of one file. `documents` are those in effect: of a broken file the last good ones."""

    path: str
    state: str
    documents: tuple[Document, ...] = ()
    problems: tuple[Problem, ...] = ()
    note: str = ""
    foreign: bool = False
    """Skipped because it is another tool's: what it held when it was a manifest is not pruned."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A desired object; `stale` where its file is broken or contradicted now, so that it is kept but not changed."""

    identity: Identity
    resource: ResourceInfo
    obj: Obj
    document: Document
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Desired:
    """The desired set, in the order of applying. `broken` are paths whose objects must not be pruned."""

    files: Mapping[str, FileState]
    objects: Mapping[Identity, Wanted]
    problems: tuple[Problem, ...]
    broken: frozenset[str]


@dataclass(slots=True)
class Catalog:
    """Which kinds the server serves; `default_namespace` is for namespaced objects that name none."""

    kinds: Mapping[tuple[str, str], ResourceInfo]
    """(apiVersion, kind) -> resource"""
    default_namespace: str = "default"

    @classmethod
    def of(cls, resources: Iterable[ResourceInfo], default_namespace: str = "default") -> "Catalog":
        """A catalog from discovery."""
        return cls({(info.api_version, info.kind): info for info in resources}, default_namespace)


def read_files(scan: Scan, before: Mapping[str, FileState]) -> dict[str, FileState]:
    """Every file of a scan; what is broken or being written keeps the documents it had `before`."""
    return {file.path: _read(file, before.get(file.path)) for file in scan.files}


def _read(file: FoundFile, before: FileState | None) -> FileState:
    last_good = before.documents if before else ()
    if file.settling:
        return FileState(file.path, SETTLING, last_good, note="being written")
    if file.error:
        return FileState(file.path, STALE if last_good else ERROR, last_good, (Problem(file.path, 0, 0, file.error),))
    try:
        parsed = parse(file.path, file.text)
    except DocumentError as error:
        return FileState(file.path, STALE if last_good else ERROR, last_good, (error.problem,))
    if parsed.skipped and last_good and not parsed.asked:
        return FileState(file.path, STALE, last_good, (Problem(file.path, 0, 0, f"no longer a manifest: {parsed.skipped}"),))
    if parsed.skipped:
        return FileState(file.path, SKIPPED, note=parsed.skipped, foreign=not parsed.asked)
    return FileState(file.path, SYNCED, parsed.documents, parsed.warnings)


def build(files: Mapping[str, FileState], catalog: Catalog) -> Desired:
    """The desired set of all files together: kustomizations followed, identities resolved, duplicates refused."""
    chosen, problems = _follow_kustomizations(files)
    found: dict[Identity, list[Wanted]] = {}
    for state in chosen.values():
        if state.state == SKIPPED:
            continue
        for document in state.documents:
            wanted = _wanted(document, catalog, state.state in (STALE, SETTLING, ERROR))
            if isinstance(wanted, Problem):
                problems.append(wanted)
            else:
                found.setdefault(wanted.identity, []).append(wanted)
    objects: list[Wanted] = []
    for identity, candidates in found.items():
        if len(candidates) > 1:
            problems += _duplicates(identity, candidates)
            objects.append(Wanted(identity, candidates[0].resource, candidates[0].obj, candidates[0].document, stale=True))
        else:
            objects.append(candidates[0])
    objects.sort(key=_order)
    every = [problem for state in chosen.values() for problem in state.problems] + problems
    unsure = [state.path for state in chosen.values() if state.foreign or state.state in (STALE, ERROR, SETTLING)]
    broken = {*unsure, *(problem.path for problem in problems)}
    return Desired(_marked(chosen, problems), {w.identity: w for w in objects}, tuple(every), frozenset(broken))


def _order(wanted: Wanted) -> tuple[int, int, Identity]:
    return ordering.wave(wanted.obj), ordering.rank(wanted.identity.kind), wanted.identity


def _duplicates(identity: Identity, candidates: list[Wanted]) -> Iterator[Problem]:
    for wanted in candidates:
        others = ", ".join(other.document.source for other in candidates if other is not wanted)
        yield Problem(wanted.document.path, wanted.document.line, 0, f"{identity} is also in {others}; neither is applied")


def _marked(files: Mapping[str, FileState], problems: list[Problem]) -> dict[str, FileState]:
    """Files with the problems that were found across files."""
    marked = dict(files)
    for problem in problems:
        state = marked[problem.path]
        kind = ERROR if state.state == SYNCED else state.state
        marked[problem.path] = FileState(state.path, kind, state.documents, (*state.problems, problem), state.note)
    return marked


def _wanted(document: Document, catalog: Catalog, stale: bool) -> Wanted | Problem:
    obj = document.obj

    def problem(message: str, field_path: str = "") -> Problem:
        return Problem(document.path, document.line_of(field_path), 0, message)

    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        return problem("metadata is missing")
    if not isinstance(metadata.get("name"), str) or not metadata["name"]:
        if metadata.get("generateName"):
            return problem("generateName makes a new object at every sync; give it a name", "metadata.generateName")
        return problem("metadata.name is missing", "metadata")
    info = catalog.kinds.get((obj["apiVersion"], obj["kind"]))
    if info is None:
        return problem(f"no matches for kind {obj['kind']!r} in version {obj['apiVersion']!r}", "kind")
    for name in ("namespace", "labels", "annotations"):
        expected = str if name == "namespace" else dict
        if metadata.get(name) is not None and not isinstance(metadata[name], expected):
            return problem(f"metadata.{name} must be {'text' if expected is str else 'a mapping'}", f"metadata.{name}")
    try:
        ordering.wave(obj)
    except ValueError as error:
        return problem(str(error), "metadata.annotations")
    namespace = (namespace_of(obj) or catalog.default_namespace) if info.namespaced else ""
    if namespace and not namespace_of(obj):
        obj = put(obj, ("metadata", "namespace"), namespace)
    return Wanted(Identity(info.group, obj["kind"], namespace, name_of(obj)), info, obj, document, stale)


@dataclass(slots=True)
class _Following:
    files: Mapping[str, FileState]
    listed: set[str] = field(default_factory=set)
    visited: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def _follow_kustomizations(files: Mapping[str, FileState]) -> tuple[dict[str, FileState], list[Problem]]:
    """Files below a kustomization count only where it lists them, directly or through another one."""
    tops = [path for path in files if _is_kustomization(path) and not any(_governs(other, path) for other in files if other != path)]
    following = _Following(files)
    for path in tops:
        _follow(following, path)
    chosen: dict[str, FileState] = {}
    for path, state in files.items():
        governor = next((top for top in tops if _governs(top, path)), "")
        if _is_kustomization(path):
            note = "followed" if path in following.visited else f"not listed in {governor}"
            kind = state.state if state.state in (STALE, ERROR, SETTLING) else SKIPPED
            chosen[path] = FileState(path, kind, (), state.problems, note)
        elif governor and path not in following.listed:
            chosen[path] = FileState(path, SKIPPED, note=f"not listed in {governor}")
        else:
            chosen[path] = state
    return chosen, following.problems


def _is_kustomization(path: str) -> bool:
    return posixpath.basename(path) in KUSTOMIZATIONS


def _governs(kustomization: str, path: str) -> bool:
    """Whether a file lies in or below the folder of a kustomization."""
    if not _is_kustomization(kustomization):
        return False
    folder = posixpath.dirname(kustomization)
    return path != kustomization and (not folder or path.startswith(folder + "/"))


def _follow(following: _Following, path: str) -> None:
    if path in following.visited:
        return
    following.visited.add(path)
    for document in following.files[path].documents:
        for name in document.obj:
            if name not in FOLLOWED:
                following.problems.append(
                    Problem(path, document.line_of(name), 0, f"{name} is not supported yet, only a list of resources")
                )
        for name in ("resources", "bases"):
            entries = document.obj.get(name) or []
            for at, entry in enumerate(entries if isinstance(entries, list) else [entries]):
                _include(following, path, document.line_of(f"{name}[{at}]"), entry)


def _include(following: _Following, path: str, line: int, entry: object) -> None:
    if not isinstance(entry, str) or "://" in entry or entry.startswith("github.com/"):
        following.problems.append(Problem(path, line, 0, f"{entry!r}: only files and folders of this folder can be listed"))
        return
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry))
    if target in following.files:
        following.listed.add(target)
        return
    inside = [name for name in following.files if target == "." or name.startswith(target + "/")]
    nested = next((name for name in inside if _is_kustomization(name) and posixpath.dirname(name) == target), None)
    if nested is not None:
        _follow(following, nested)
    elif inside:
        following.listed.update(inside)
    else:
        following.problems.append(Problem(path, line, 0, f"{entry!r} does not exist in the folder"))


def has_option(obj: Obj, ours: str, argo: str, flux: tuple[str, str]) -> bool:
    """Whether an object is annotated with an option by our name, Argo CD's sync option or Flux' annotation."""
    annotations = annotations_of(obj)
    key, value = ours.split("=", 1)
    options = [option.strip() for option in annotations.get("argocd.argoproj.io/sync-options", "").split(",")]
    return annotations.get(key) == value or argo in options or annotations.get(flux[0]) == flux[1]
