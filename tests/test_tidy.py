"""The style is a test: sizes, banned words, and one constant per plugin module (see CONTRIBUTING.md)."""

import ast
import importlib
import pkgutil
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(p for folder in ("engine", "ktui") for p in (ROOT / folder).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 450
ARGUMENTS_MAX = 8
"""Without self and cls; STYLE asks for four, a client's verbs need more."""

PLUGIN_PACKAGES = {
    "engine.kinds": "KIND",
    "engine.apiserver.admission": "PLUGIN",
    "engine.controllers": "CONTROLLER",
    "engine.scheduler.plugins": "PLUGIN",
    "engine.kubelet.runtimes": "RUNTIME",
    "ktui.panes": "PANE",
}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
FORBIDDEN_NAMES = re.compile(r"(^|_)(utils?|helpers?|misc|stuff)$")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_source_is_tidy(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    problems = []
    if (lines := text.count("\n")) > FILE_LINES_MAX:
        problems.append(f"{lines} lines, more than {FILE_LINES_MAX}")
    problems += [f"line {n}: unfinished: {line.strip()}" for n, line in enumerate(text.splitlines(), 1) if UNFINISHED.search(line)]
    if FORBIDDEN_NAMES.search(path.stem):
        problems.append(f"a module named {path.stem} answers no question")
    problems += list(_untidy_nodes(ast.parse(text)))
    assert not problems, f"{relative(path)}: " + "; ".join(problems)


def _untidy_nodes(tree: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > FUNCTION_LINES_MAX:
                found.append(f"line {node.lineno}: {node.name} has {size} lines, more than {FUNCTION_LINES_MAX}")
            arguments = node.args
            names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
            count = len([name for name in names if name not in ("self", "cls")])
            if count > ARGUMENTS_MAX:
                found.append(f"line {node.lineno}: {node.name} has {count} arguments, more than {ARGUMENTS_MAX}")
        elif isinstance(node, ast.ExceptHandler):
            caught = node.type
            if caught is None or (isinstance(caught, ast.Name) and caught.id in ("Exception", "BaseException") and not _reraises(node)):
                found.append(f"line {node.lineno}: a broad except")
    return found


def _reraises(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


@pytest.mark.parametrize("path", TESTS, ids=relative)
def test_every_test_asserts(path: Path) -> None:
    """A test without an assertion (its own, a called checker's, or pytest.raises) cannot fail."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            checks = [
                n
                for n in ast.walk(node)
                if isinstance(n, ast.Assert)
                or (isinstance(n, ast.Call) and re.search(r"(raises|assert|check|run_state_machine)", ast.unparse(n.func)))
            ]
            assert checks, f"{relative(path)}:{node.lineno}: {node.name} asserts nothing"


@pytest.mark.parametrize(("package_name", "constant"), PLUGIN_PACKAGES.items())
def test_each_plugin_module_exports_exactly_one_constant(package_name: str, constant: str) -> None:
    package = importlib.import_module(package_name)
    modules = [m.name for m in pkgutil.iter_modules(package.__path__) if not m.ispkg]
    assert modules, f"{package_name} has no modules"
    for name in modules:
        tree = ast.parse((Path(package.__path__[0]) / f"{name}.py").read_text(encoding="utf-8"))
        targets = [
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        ]
        assert targets.count(constant) == 1, f"{package_name}.{name} must export exactly one {constant}"


def test_nothing_committed_names_a_machine() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    forbidden = re.compile(r"/(?:root|home)/\w|/work/(?:main|shared)|farm-" + "bench")
    for name in filter(None, tracked.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".yaml", ".yml", "") and path.is_file() and path != Path(__file__):
            found = forbidden.search(path.read_text(encoding="utf-8", errors="replace"))
            assert not found, f"{name} names a path of a machine: {found.group()}"
