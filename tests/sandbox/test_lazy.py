from __future__ import annotations

import subprocess
import sys
from operator import attrgetter

import pytest

from aurashot import sandbox
from aurashot.errors import ConfigurationError

MISSING = """
import sys
sys.modules["fastapi"] = None
from aurashot import errors, sandbox
try:
    sandbox.serve
except errors.ConfigurationError as error:
    print(type(error.__cause__).__name__, error)
"""


def test_importing_the_sandbox_imports_nothing_heavy() -> None:
    """The price is paid by who uses it."""
    code = "import sys, aurashot.sandbox; print({'fastapi', 'uvicorn', 'PIL', 'pydantic'} & set(sys.modules))"
    assert "set()\n" == subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_a_missing_extra_is_named() -> None:
    """The error says what to install, and what it came from."""
    seen = subprocess.run([sys.executable, "-c", MISSING], check=True, capture_output=True, text=True).stdout
    assert "ModuleNotFoundError The sandbox needs fastapi; install it with pip install 'aurashot[sandbox]'\n" == seen


def test_a_missing_module_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """In-process as well."""
    monkeypatch.setitem(sandbox._HOMES, "ghost", "_ghost")
    with pytest.raises(ConfigurationError, match="aurashot\\[sandbox\\]"):
        attrgetter("ghost")(sandbox)


def test_every_public_name_is_there() -> None:
    """The list is sorted and true, and no other name is made up."""
    assert sorted(sandbox.__all__) == sandbox.__all__ == dir(sandbox)
    assert all(getattr(sandbox, name) is not None for name in sandbox.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        attrgetter("nothing")(sandbox)
