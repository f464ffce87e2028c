from __future__ import annotations

import subprocess
import sys

import aurashot.images
from aurashot.images import __all__ as exported


def test_importing_the_package_imports_nothing_heavy() -> None:
    """Importing `aurashot.images` brings neither Pillow nor a network library."""
    heavy = {"PIL", "pillow_heif", "numpy", "httpx", "pydantic"}
    program = f"import sys, aurashot.images; print(sorted({heavy} & {{*sys.modules}}))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_every_exported_name_exists_and_none_is_left_out() -> None:
    """`__all__` is sorted, and lists exactly the public names that are not modules."""
    public = [
        name for name in dir(aurashot.images) if name.isidentifier() and name[0] != "_" and name != "TYPE_CHECKING"
    ]
    assert sorted(public) == sorted(exported)
    assert all(hasattr(aurashot.images, name) for name in exported)
    assert sorted(exported) == exported
