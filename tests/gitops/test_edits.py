"""Whatever is done to the files of a folder, the cluster holds what a simple model says; found by hypothesis."""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from engine.cluster import Cluster, ClusterOptions, simulated
from engine.gitops.folder import FOLDERS
from engine.sim.loop import VirtualLoop
from tests.gitops.folder import Bench

FILES = st.sampled_from(["a.yaml", "b.yaml", "sub/c.yml"])
CONTENTS = st.dictionaries(st.sampled_from(["x", "y", "z"]), st.integers(1, 3), max_size=3)
BROKEN = st.sampled_from(["a: b: c\n", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: x\n", "kind: [", "- 1\n", "{{ .Values.x }}\n"])


def text_of(content: dict[str, int]) -> str:
    documents = [f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {n}}}\ndata: {{value: '{v}'}}\n" for n, v in content.items()]
    return "---\n".join(documents) or "# nothing yet\n"


class Edits(RuleBasedStateMachine):
    """The model: what each file last meant, whether it is readable now, what the cluster holds, and from which file it came."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.folder = tempfile.TemporaryDirectory()
        self.meant: dict[str, dict[str, int]] = {}
        self.broken: set[str] = set()
        self.held: dict[str, int] = {}
        self.source: dict[str, str] = {}

    def run(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(coroutine)

    @initialize()
    def start(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.run(self._start())

    async def _start(self) -> None:
        self.cluster: Cluster = simulated(self.loop, ClusterOptions(nodes=0, strict=True))
        await self.cluster.bootstrap()
        self.cluster.start()
        self.bench = Bench(self.cluster, Path(self.folder.name) / "shop")
        self.bench.root.mkdir()
        self.bench.write("keep.yaml", "# the folder is never empty\n")
        await self.bench.start()

    @rule(file=FILES, content=CONTENTS)
    def write(self, file: str, content: dict[str, int]) -> None:
        self.bench.write(file, text_of(content))
        self.meant[file] = content
        self.broken.discard(file)
        self.settle()

    @rule(file=FILES, text=BROKEN)
    def break_file(self, file: str, text: str) -> None:
        self.bench.write(file, text)
        self.meant.setdefault(file, {})
        self.broken.add(file)
        self.settle()

    @rule(file=FILES)
    def remove(self, file: str) -> None:
        (self.bench.root / file).unlink(missing_ok=True)
        self.meant.pop(file, None)
        self.broken.discard(file)
        self.settle()

    @rule(old=FILES, new=FILES)
    def move(self, old: str, new: str) -> None:
        if old == new or old not in self.meant or old in self.broken:
            return
        target = self.bench.root / new
        target.parent.mkdir(exist_ok=True)
        (self.bench.root / old).rename(target)
        self.meant[new] = self.meant.pop(old)
        self.broken.discard(new)
        self.settle()

    @rule(file=FILES)
    def swap_through_a_link(self, file: str) -> None:
        """Replace a file by a link to a hidden copy, as a mounted ConfigMap does: nothing changes."""
        path = self.bench.root / file
        if file not in self.meant or path.is_symlink():
            return
        hidden = self.bench.root / "..data"
        hidden.mkdir(exist_ok=True)
        copy = hidden / file.replace("/", "-")
        copy.write_text(path.read_text())
        path.unlink()
        os.symlink(copy, path)
        self.settle()

    @rule()
    def drift(self) -> None:
        """Somebody changes what a readable file says: it is put back."""
        wanted = [n for n in self.held if self._owner(n) is not None]
        if not wanted:
            return
        self.run(self.bench.client.patch("configmaps", wanted[0], {"data": {"value": "drifted"}}, "default"))
        self.run(self.cluster.pass_time(700))

    def _owner(self, name: str) -> str | None:
        """The one readable file that means `name`."""
        owners = [file for file, content in self.meant.items() if name in content]
        return owners[0] if len(owners) == 1 and owners[0] not in self.broken else None

    def settle(self) -> None:
        self.run(self._settle())
        names = {name for content in self.meant.values() for name in content}
        duplicated = {n for n in names if sum(n in content for content in self.meant.values()) > 1}
        unsure = self.broken | {file for file, content in self.meant.items() if duplicated & content.keys()}
        for name in sorted(names):
            owner = self._owner(name)
            if owner is not None:
                self.held[name], self.source[name] = self.meant[owner][name], owner
        for name in sorted(self.held.keys() - names):
            if self.source[name] not in unsure:
                del self.held[name]

    async def _settle(self) -> None:
        await self.bench.settle(2)
        status = await self.bench.status()
        if status["plan"]["held"]:
            await self.bench.client.patch(FOLDERS, "shop", {"spec": {"confirm": status["plan"]["hash"]}})
            await self.bench.settle(2)

    @invariant()
    def cluster_holds_what_the_model_says(self) -> None:
        if not hasattr(self, "bench"):
            return
        found = self.cluster.store.list("configmaps", "default")
        values = {o["metadata"]["name"]: o["data"]["value"] for o in found if o["metadata"]["name"] != "kube-root-ca.crt"}
        assert values == {name: str(value) for name, value in self.held.items()}

    def teardown(self) -> None:
        self.run(self.bench.stop())
        self.run(self.cluster.stop())
        asyncio.set_event_loop(None)
        self.loop.close()
        self.folder.cleanup()


def test_edits_of_the_folder_end_in_what_they_mean() -> None:
    examples = int(os.environ.get("KTUI_FOLDER_EXAMPLES", "12"))
    run_state_machine_as_test(Edits, settings=settings(max_examples=examples, stateful_step_count=12, deadline=None))
