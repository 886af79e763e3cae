"""A real kubectl and a real engine's process; one engine for each module."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

TIMEOUT_S = 30
BINARY = os.environ.get("KUBECTL", "kubectl")
"""Another version than the one in PATH can be named."""

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.27", ports: [{containerPort: 80}]}]}
"""


@dataclass(frozen=True)
class Kubectl:
    """Runs kubectl against one engine; `home` holds its kubeconfig and its caches."""

    home: Path
    kubeconfig: Path

    def run(self, *arguments: str, stdin: str = "", editor: str = "") -> subprocess.CompletedProcess[str]:
        """kubectl's exit code and output."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig), "EDITOR": editor}
        return subprocess.run(
            [BINARY, *arguments], input=stdin, env=environment, cwd=self.home, capture_output=True, text=True, timeout=TIMEOUT_S
        )

    def __call__(self, *arguments: str, stdin: str = "", editor: str = "") -> str:
        """The output of a command that has to succeed."""
        done = self.run(*arguments, stdin=stdin, editor=editor)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done.stdout

    def refused(self, *arguments: str, stdin: str = "") -> str:
        """The error output of a command that has to fail."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """kubectl in the background, its output to be read."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig)}
        return subprocess.Popen([BINARY, *arguments], env=environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """kubectl, and `ktui serve` on a free port."""
    if shutil.which(BINARY) is None:
        pytest.skip(f"no {BINARY} is installed")
    home = tmp_path_factory.mktemp("kubectl")
    command = [sys.executable, "-m", "ktui", "serve", "--data", str(home / "data"), "--listen", "127.0.0.1:0"]
    with (home / "engine.log").open("w") as log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as engine:
        assert engine.stdout is not None
        try:
            said = [engine.stdout.readline(), engine.stdout.readline()]
            assert said[0].startswith("serving https://127.0.0.1:"), (home / "engine.log").read_text()
            assert said[1].strip() == f"export KUBECONFIG={home / 'data' / 'kubeconfig'}"
            yield Kubectl(home, home / "data" / "kubeconfig")
        finally:
            engine.send_signal(signal.SIGTERM)
            assert engine.wait(TIMEOUT_S) == 0
    assert "Traceback" not in (home / "engine.log").read_text()
