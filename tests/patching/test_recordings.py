"""What a real API server made of patches and applies: the object, its managedFields, and the errors."""

import pytest

from engine.base.errors import StatusError
from tests.patching.recordings import Server, comparable, error_of, steps

LEFT_TO_THE_SERVER = {
    "apply": {
        12: "fieldManager is required: options",
        13: "the name in the URL",
        16: "YAML that cannot be parsed",
    },
    "patches": {
        13: "validation of volumes",
        24: "JSON that cannot be parsed",
        25: "decoding: a text as a number",
        26: "validation of replicas",
        27: "strict field validation",
        28: "warnings for unknown fields",
        29: "the name in the URL",
        30: "stale resourceVersion",
        31: "immutable fields",
        33: "no such object",
    },
}
"""Steps that are refused, or answered, by other parts of the server; they change nothing here."""


@pytest.mark.parametrize("recording", ["apply", "patches"])
def test_every_step_is_answered_as_by_a_real_server(recording: str) -> None:
    server = Server()
    for step in steps(recording):
        if step.number in LEFT_TO_THE_SERVER[recording]:
            continue
        if step.status >= 400:
            with pytest.raises(StatusError) as caught:
                server.send(step)
            assert error_of(caught.value) == step.answer, f"step {step.number}"
            continue
        got, want = comparable(server.send(step)), comparable(step.answer)
        if want["kind"] == "Scale":
            del want["status"]
        assert got == want, f"step {step.number} {step.method} {step.path}"
