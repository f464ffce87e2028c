from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

import aurashot

ROOT = Path(aurashot.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
EXTRAS = (
    "PIL",
    "cv2",
    "fastapi",
    "keyring",
    "multipart",
    "numpy",
    "obstore",
    "pillow_heif",
    "pytest",
    "respx",
    "rich",
    "typer",
    "uvicorn",
)
UNDECLARED = {
    "aurashot",
    "pydantic_core",  # pydantic shows its errors as its own, and names the one version that it works with
    "starlette",  # FastAPI does the same
    "trio",  # imported only in a program that runs on it
}

WITHOUT_EXTRAS = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRAS!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""
CORE = """
import aurashot
from aurashot import *

client = aurashot.AuraShot("sk_live_0123456789", base_url="http://127.0.0.1:9")
aurashot.AsyncAuraShot("sk_live_0123456789")
aurashot.AuraShot("sk_live_0123456789", retry=aurashot.RetryPolicy(max_attempts=1), hooks=[print]).close()
client.legacy
with client:
    assert client.upload("https://cdn.example.com/1.png").url == "https://cdn.example.com/1.png"
    try:
        client.generate("x", face=b"no image")
    except aurashot.InvalidImageError as error:
        assert "face" in str(error)
print("fine")
"""


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def relative(path: Path) -> str:
    """Return how a module is called in the list of tests."""
    return path.relative_to(ROOT).as_posix()


def test_a_module_can_be_read_in_one_sitting() -> None:
    """No module has more than 350 lines."""
    assert [] == [relative(path) for path in MODULES if len(path.read_text(encoding="utf-8").splitlines()) > 350]


def test_a_function_fits_on_a_screen() -> None:
    """No function has more than 50 lines, its docstring included."""
    nodes = [(path, node) for path in MODULES for node in ast.walk(parsed(path))]
    functions = [(path, node) for path, node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [] == [(relative(path), one.name) for path, one in functions if (one.end_lineno or 0) - one.lineno >= 50]


def comprehensions_that_leak(node: ast.AST, *, is_inside: bool = False) -> list[int]:
    """Return the lines of comprehensions directly in a block that has something to do at its end."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.GeneratorExp):
        is_inside = False
    found = [node.lineno] if is_inside and isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp) else []
    blocks: list[ast.AST] = []
    if isinstance(node, ast.With | ast.AsyncWith):
        blocks = [*node.body]
    elif isinstance(node, ast.Try) and node.finalbody:
        blocks = [*node.body, *node.handlers, *node.orelse]
    elif isinstance(node, ast.Try) and any("BaseException" in ast.unparse(one) for one in node.handlers):
        blocks = [*node.body]
    for child in ast.iter_child_nodes(node):
        found += comprehensions_that_leak(child, is_inside=is_inside or child in blocks)
    return found


def test_an_interrupted_block_comes_to_its_end() -> None:
    """CPython 3.13 skips the end of a `with` or `try` that a signal interrupts within a comprehension in it.

    Since 3.12 the comprehension is part of the function, and the jump back after its `if` is outside the block's entry
    in the exception table. Within a function of its own, the caller's block comes to its end.
    """
    found = {relative(path): comprehensions_that_leak(parsed(path)) for path in MODULES}
    assert {} == {name: lines for name, lines in found.items() if lines}


def test_imports_are_absolute() -> None:
    """Where a name comes from can be read where it is used."""
    nodes = [(path, node) for path in MODULES for node in ast.walk(parsed(path))]
    assert [] == [
        (relative(path), node.module) for path, node in nodes if isinstance(node, ast.ImportFrom) and node.level
    ]


def test_the_core_works_without_any_extra() -> None:
    """With every package of the extras out of reach, the clients import, are made, and check their arguments."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_EXTRAS + CORE], capture_output=True, text=True, check=False)
    assert (0, "fine\n", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(("package", "name"), [("identity", "compare"), ("sandbox", "serve")])
def test_an_extra_that_is_missing_is_named(package: str, name: str) -> None:
    """A package that needs an extra imports without it, and says how to install it when it is used."""
    code = (
        f"from aurashot import {package} as it, ConfigurationError\n"
        f"try:\n    it.{name}\nexcept ConfigurationError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", WITHOUT_EXTRAS + code], capture_output=True, text=True, check=True)
    assert f"pip install 'aurashot[{package}]'" in done.stdout


def imported(path: Path) -> set[str]:
    """Return the top-level packages that a module imports, wherever in it."""
    nodes = [*ast.walk(parsed(path))]
    plain = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    return {name.partition(".")[0] for name in plain | {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}}


def test_what_is_imported_is_declared() -> None:
    """Each package of others that a module imports is a dependency of this one by name, and not by way of another."""
    own = sys.stdlib_module_names | UNDECLARED
    homes = packages_distributions()
    wanted = {homes[name][0].lower() for path in MODULES for name in imported(path) - own}
    declared = {
        re.split(r"[^\w.-]", line, maxsplit=1)[0].lower().replace("_", "-") for line in requires("aurashot") or []
    }
    assert {"httpcore", "httpx"} <= wanted
    assert set() == {name.replace("_", "-") for name in wanted} - declared


def test_a_type_checker_finds_the_types() -> None:
    """The package says that it is typed (PEP 561)."""
    assert (ROOT / "py.typed").is_file()


def test_no_test_stops_the_clock_of_the_process() -> None:
    """A server in another thread would sleep until the hour that it was shown. A module has a clock to replace."""
    tests = Path(__file__).parent.rglob("*.py")
    clock = re.compile(r"(setattr|patch)\(\s*(time\b|['\"]time\.)")
    assert [] == [path.name for path in tests if clock.search(path.read_text(encoding="utf-8"))]
