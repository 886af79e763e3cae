"""Where two JSON values differ, for tests that compare with recordings."""

import json
from collections.abc import Iterator
from typing import Any


def differences(want: Any, got: Any, at: str = "") -> Iterator[str]:
    """Where two normalised values differ, one line each."""
    if isinstance(want, dict) and isinstance(got, dict):
        for k in sorted(want.keys() | got.keys()):
            here = f"{at}.{k}" if at else k
            if k not in got:
                yield f"{here}: missing, want {json.dumps(want[k])[:160]}"
            elif k not in want:
                yield f"{here}: extra {json.dumps(got[k])[:160]}"
            else:
                yield from differences(want[k], got[k], here)
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for i, (a, b) in enumerate(zip(want, got, strict=True)):
            yield from differences(a, b, f"{at}[{i}]")
    elif want != got:
        yield f"{at}: want {json.dumps(want)[:300]} got {json.dumps(got)[:300]}"
