"""Log output as lines in bounded memory: chunks of bytes in, lines with time stamp and source out."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from ktui.model.widths import clean

LOG_LINES_MAX = 50_000
LOG_LINE_CHARACTERS_MAX = 8_192

_STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ?(.*)$", re.DOTALL)
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_BAD = re.compile(r"\b(error|err|fatal|panic|critical|exception|fail(?:ed|ure)?)\b", re.IGNORECASE)
_WARN = re.compile(r"\b(warn(?:ing)?|deprecated)\b", re.IGNORECASE)


class LogLine(NamedTuple):
    """One line: `source` is the index of the container it came from, `stamp` the kubelet's time stamp (RFC 3339)."""

    source: int
    stamp: str
    text: str


class LogBuffer:
    """The last lines of several containers, in order of arrival. `dropped` counts those that fell out at the front."""

    def __init__(self, lines_max: int = LOG_LINES_MAX) -> None:
        self.lines: list[LogLine] = []
        self.dropped = 0
        self._lines_max = lines_max
        self._open: dict[int, bytes] = {}

    def feed(self, source: int, chunks: Iterable[bytes]) -> int:
        """Take in output of a container; returns how many lines were completed."""
        data = self._open.pop(source, b"") + b"".join(chunks)
        *whole, rest = data.split(b"\n")
        if len(rest) > LOG_LINE_CHARACTERS_MAX:
            whole.append(rest)
            rest = b""
        if rest:
            self._open[source] = rest
        for line in whole:
            self._append(source, line)
        self._trim()
        return len(whole)

    def end(self, source: int) -> int:
        """The container's output ended: an unfinished last line counts."""
        rest = self._open.pop(source, b"")
        if rest:
            self._append(source, rest)
        return 1 if rest else 0

    def last_stamp(self, source: int) -> str:
        """The time stamp of the newest line of a container; empty where there is none."""
        return next((line.stamp for line in reversed(self.lines) if line.source == source and line.stamp), "")

    def _trim(self) -> None:
        """Drop from the front, a tenth at a time so that it costs nothing per line."""
        over = len(self.lines) - self._lines_max
        if over > 0:
            cut = min(len(self.lines), over + self._lines_max // 10)
            del self.lines[:cut]
            self.dropped += cut

    def clear(self) -> None:
        """Forget everything shown so far."""
        self.lines.clear()
        self.dropped = 0

    def _append(self, source: int, raw: bytes) -> None:
        text = raw[:LOG_LINE_CHARACTERS_MAX].decode("utf-8", "replace").rstrip("\r")
        match = _STAMP.match(text)
        stamp, message = (match[1], match[2]) if match else ("", text)
        self.lines.append(LogLine(source, stamp, clean(_ANSI.sub("", message))))


def severity(text: str) -> str:
    """The style of a log line: `bad`, `warn` or `text`, by the words in its first 200 characters."""
    head = text[:200]
    if _BAD.search(head):
        return "bad"
    return "warn" if _WARN.search(head) else "text"
