"""The recorded answers of a real API server, step by step. What stays different is listed here with the reason."""

import pytest

from engine.sim.loop import run
from tests.apiserver.recordings import load, new_server, replay

_GO_MAP_ORDER = "the error quotes the whole patched object, with its keys in the order of Go's structs and maps"
_TYPE_META = "upstream prints tables from its internal type, which has no such annotation"
_NULL_TIMES = "upstream writes null for a condition's times that were not given: Go cannot leave out a struct"

DIFFERENT = {
    "discovery": {4: "version: commit, platform and compiler of a build that this is not"},
    "errors": {},
    "lifecycle": {16: "the error ends in go-cmp's picture of two Go structs"},
    "patches": {25: _GO_MAP_ORDER, 27: _GO_MAP_ORDER},
    "apply": {
        28: "upstream lists the errors of two walks over the object; ours ends at the first",
        30: _NULL_TIMES,
        32: _NULL_TIMES,
    },
    "defaults": {},
    "tables": {6: _TYPE_META},
    "corpus-defaults": {},
    "rbac": {},
}

CONVERSATIONS = (
    ("discovery",),
    ("errors",),
    ("lifecycle",),
    ("patches",),
    ("apply",),
    ("defaults", "tables"),
    ("corpus-defaults",),
    ("rbac",),
)
"""Those in one tuple go to one server, in this order."""


def _report(name: str, numbers: list[int], found: dict[int, list[str]]) -> str:
    steps = load(name)["steps"]
    lines = []
    for number in numbers:
        request = steps[number - 1]["request"]
        lines.append(f"{name} step {number}: {request['method']} {request['path']}")
        lines += [f"    {line}" for line in found.get(number, ["is the same now: take it off the list"])]
    return "\n".join(lines)


@pytest.mark.parametrize("names", CONVERSATIONS, ids="+".join)
def test_answers_are_those_of_a_real_server(names: tuple[str, ...]) -> None:
    async def main() -> None:
        server = new_server()
        for name in names:
            found = await replay(server, name)
            unexpected = sorted(found.keys() ^ DIFFERENT[name].keys())
            assert not unexpected, _report(name, unexpected, found)

    run(main())
