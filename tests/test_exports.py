from __future__ import annotations

import ast
import inspect
import json
import operator
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import aurashot

SOURCE = Path(aurashot.__file__)
PACKAGES = [
    "aurashot",
    *(module.name for module in pkgutil.walk_packages(aurashot.__path__, "aurashot.") if module.ispkg),
]


def imported_for_type_checkers() -> dict[str, str]:
    """Return the names that type checkers see in the package, each with the module that it comes from."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name))
    return {
        name.name: statement.module or ""
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for name in statement.names
    }


def as_ruff_sorts(name: str) -> tuple[bool, bool, str]:
    """Return the key by which an index is sorted: constants, then classes, then functions."""
    return not name.isupper(), not name[0].isupper(), name


def modules_after(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has imported after some code."""
    script = f"{code}\nimport json, sys; print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    return set(json.loads(done.stdout))


def test_the_public_names_are_sorted_and_unique() -> None:
    """The list reads like an index."""
    assert sorted(set(aurashot.__all__)) == aurashot.__all__


def test_type_checkers_see_what_is_imported_lazily() -> None:
    """The names under TYPE_CHECKING, the list of names and the table of homes say the same."""
    seen = imported_for_type_checkers()
    assert {*aurashot.__all__} - {"__version__"} == set(seen)
    assert seen == {name: home for name, home in aurashot._HOMES.items() if name != "__version__"}


@pytest.mark.parametrize("name", aurashot.__all__)
def test_a_public_name_is_what_its_home_module_offers(name: str) -> None:
    """Each is importable from the package, is the object of its home, and is public there."""
    home = import_module(imported_for_type_checkers().get(name, "aurashot._version"))
    value: object = getattr(aurashot, name)
    assert value is getattr(home, name)
    assert name in getattr(home, "__all__", [name])
    assert value is vars(aurashot)[name], "it is remembered once it was imported"
    if inspect.isclass(value):
        assert f"{value.__module__}.".startswith(f"{home.__name__}.")
        assert inspect.getdoc(value)


def test_dir_lists_the_public_names_before_they_are_imported() -> None:
    """Completion in a shell shows everything."""
    script = "import aurashot, json; print(json.dumps(dir(aurashot)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    listed = json.loads(done.stdout)
    assert set(aurashot.__all__) <= set(listed)
    assert sorted(listed) == listed


def test_a_star_import_gives_the_public_names() -> None:
    """No more and no less than the list."""
    namespace: dict[str, object] = {}
    exec("from aurashot import *", namespace)  # the statement is not allowed in a function
    assert set(aurashot.__all__) == set(namespace) - {"__builtins__"}


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """As with any module, and private parts are not reachable through the package."""
    for name in ("nothing", "find_key", "Memory"):
        with pytest.raises(AttributeError, match=f"'aurashot' has no attribute '{name}'"):
            getattr(aurashot, name)


def test_the_version_is_one() -> None:
    """Three numbers, and what an installer adds to them."""
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", aurashot.__version__)


def test_importing_the_package_imports_nothing_heavy() -> None:
    """Neither the HTTP library nor the models: a program that only names the package starts at once."""
    loaded = modules_after("import aurashot")
    assert "aurashot" in loaded
    assert not loaded & {"httpx", "httpcore", "pydantic", "tenacity", "anyio", "asyncio", "ssl", "dotenv", "PIL"}


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("from aurashot import AuraShotError, InputError", {"httpx", "pydantic", "anyio", "tenacity"}),
        ("from aurashot import RetryPolicy", {"httpx", "pydantic", "anyio", "tenacity"}),
        ("from aurashot import Generation, Upload", {"httpx", "anyio", "tenacity"}),
        ("import aurashot.instrumentation", {"httpx", "pydantic", "anyio", "tenacity"}),
        ("import aurashot.images", {"httpx", "pydantic", "anyio", "PIL"}),
        (
            "from aurashot import AuraShot; AuraShot('sk_live_0123456789')",
            {"PIL", "numpy", "fastapi", "aiohttp", "respx"},
        ),
    ],
)
def test_a_name_imports_only_what_it_needs(code: str, absent: set[str]) -> None:
    """Errors and policies need no HTTP; a client needs none of the extras."""
    assert set() == modules_after(code) & absent


@pytest.mark.parametrize("package", PACKAGES)
def test_a_subpackage_offers_what_it_lists(package: str) -> None:
    """Each list is sorted, every name is there, and none begins with an underscore."""
    module = import_module(package)
    names: list[str] = getattr(module, "__all__", [])
    assert sorted(names, key=as_ruff_sorts) == list(names)
    assert [] == [name for name in names if not hasattr(module, name)]
    assert [] == [name for name in names if name.startswith("_") and name != "__version__"]


@pytest.mark.parametrize("package", ["_engine", "images", "instrumentation", "models"])
def test_a_subpackage_that_imports_late(package: str) -> None:
    """Every name that it lists is there, is listed by `dir` before it is imported, and is remembered afterwards."""
    home = f"aurashot.{package}"
    script = f"import json, {home}; print(json.dumps(dir({home})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    module = import_module(home)
    for name in module.__all__:
        assert name in json.loads(done.stdout)
        assert getattr(module, name) is vars(module)[name]
    with pytest.raises(AttributeError, match=f"'{home}' has no attribute 'nothing'"):
        operator.attrgetter("nothing")(module)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_subpackage_lists_what_it_imports_for_others(package: str) -> None:
    """A name that an `__init__` takes from one of its own modules is offered, or begins with an underscore."""
    module = import_module(package)
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    taken = {
        name.asname or name.name
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(f"{package}.")
        for name in statement.names
    }
    offered: list[str] = getattr(module, "__all__", [])
    assert set() == {name for name in taken if not name.startswith("_")} - set(offered)
