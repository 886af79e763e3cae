"""A process to be killed: writes under load to a journalled store and prints each write once it is durable.

    python -m tests.crash.writer JOURNAL WRITERS

Each writer has keys of its own: it creates, updates and deletes them, and every third of its commits writes a pair of keys (`x-left`,
`x-right`) that must always agree. A line is `revision key value` (value `-`: deleted), written in one system call, so that a line is
there whole or not at all. Leases and compactions happen on the side.
"""

import asyncio
import os
import sys
from pathlib import Path

from engine.base.causes import Cause
from engine.base.clock import RealClock
from engine.store.events import Put, Remove, Write
from engine.store.journals.sqlite import SqliteJournal
from engine.store.shards import LEASES
from engine.store.store import Store

PADDING = "x" * 600
RESOURCE = "configmaps"


def obj(name: str, value: int) -> dict[str, object]:
    """An object of some size that holds a number."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": {"n": value, "pad": PADDING},
    }


def write(store: Store, name: str, value: int | None) -> Write:
    """The write that sets (None: deletes) a key, whatever it is now."""
    current = store.get(RESOURCE, "default", name)
    expected = int(current["metadata"]["resourceVersion"]) if current else 0
    if value is None and current is not None:
        return Remove(RESOURCE, "default", name, current, expected)
    return Put(RESOURCE, "default", name, obj(name, value or 0), expected)


def renew(store: Store, name: str) -> Write:
    """The renewal of a lease."""
    current = store.get(LEASES, "default", name)
    return Put(LEASES, "default", name, obj(name, store.revision), int(current["metadata"]["resourceVersion"]) if current else 0)


async def work(store: Store, writer: int) -> None:
    """Write until killed."""
    turn = 0
    while True:
        turn += 1
        value: int | None = store.revision + 1
        keys = [f"w{writer}-k{turn % 5}"]
        if turn % 3 == 0:
            keys = [f"w{writer}-left", f"w{writer}-right"]
        elif turn % 7 == 0 and store.get(RESOURCE, "default", keys[0]) is not None:
            value = None
        store.commit([renew(store, f"node-{writer}")], Cause("kubelet"))
        revision = store.commit([write(store, key, value) for key in keys], Cause(f"writer-{writer}", turn))
        await store.durable(revision)
        shown = "-" if value is None else str(value)
        os.write(1, "".join(f"{revision} {key} {shown}\n" for key in keys).encode())
        if turn % 50 == 0 and writer == 0:
            store.compact(max(store.compacted, store.durable_revision - 40))


async def main(path: Path, writers: int) -> None:
    """Open the journal, say so, write."""
    store = Store(RealClock(), SqliteJournal(path))
    os.write(1, f"open {store.revision}\n".encode())
    await asyncio.gather(*(work(store, i) for i in range(writers)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
