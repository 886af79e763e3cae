"""A program on a real pseudo-terminal, driven and timed from outside."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

from tests.bench.measure import process_cpu_s, process_rss_mb

BUFFER_BYTES_MAX = 600_000


class Terminal:
    """Starts `command` on a pseudo-terminal that answers the query for synchronised output as modern terminals do."""

    def __init__(self, command: list[str], rows: int, columns: int) -> None:
        self.started = time.perf_counter()
        self.buffer = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            os.execvp(command[0], command)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def pump(self, timeout_s: float) -> None:
        """Read what the program wrote, waiting at most `timeout_s` for it."""
        if not select.select([self.fd], [], [], timeout_s)[0]:
            return
        data = os.read(self.fd, 1 << 18)
        if b"\x1b[?2026$p" in data:
            os.write(self.fd, b"\x1b[?2026;2$y")
        self.buffer = (self.buffer + data)[-BUFFER_BYTES_MAX:]

    def wait(self, pattern: re.Pattern[bytes], timeout_s: float, other_than: bytes | None = None) -> bytes | None:
        """What `pattern` (its first group) matches once that is something else than `other_than`; None after `timeout_s`."""
        end = time.perf_counter() + timeout_s
        while time.perf_counter() < end:
            for match in pattern.finditer(self.buffer):
                group = match.group(1 if match.re.groups else 0)
                if group != other_than:
                    return group
            self.pump(0.05)
        return None

    def press(self, key: str) -> None:
        """Type a key."""
        os.write(self.fd, key.encode())

    def idle(self, seconds: float) -> None:
        """Read for a while."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.pump(left)

    @property
    def cpu_s(self) -> float:
        return process_cpu_s(self.pid)

    @property
    def rss_mb(self) -> float:
        return process_rss_mb(self.pid)

    def quit(self) -> None:
        """Ask the program to end, as closing the terminal window does; kill it where it does not."""
        os.kill(self.pid, signal.SIGTERM)
        end = time.perf_counter() + 5
        while time.perf_counter() < end:
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                os.close(self.fd)
                return
            try:
                self.pump(0.02)
            except OSError:
                time.sleep(0.02)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
