"""How Sphinx builds the documentation."""  # noqa: INP001 - Sphinx reads this file, nobody imports it

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aurashot import __version__, characters
from aurashot.models import WireModel

if TYPE_CHECKING:
    from sphinx.application import Sphinx

for each in (getattr(characters, name) for name in characters.__all__):
    if isinstance(each, type) and issubclass(each, WireModel):
        each.model_rebuild()  # pydantic builds models when they are first used, and not as Sphinx uses them

project = "aurashot"
copyright = "The aurashot authors"  # noqa: A001 - the name that Sphinx asks for
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"aurashot {release}"
html_static_path = ["_static"]
html_css_files = ["width.css"]
html_copy_source = False
html_show_sourcelink = False

myst_heading_anchors = 3

autodoc_default_options = {"member-order": "bysource"}
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

default_role = "py:obj"
CODE = re.compile(r"`([A-Za-z_][\w.]*)`|`([^`]+)`")
"""In a docstring's backticks: a name, which becomes a link to what it names, or code."""


def prepare(_: Sphinx, what: str, name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Bring a docstring into the form that napoleon and reStructuredText expect."""
    lines[:] = [CODE.sub(lambda found: f"`{found[1]}`" if found[1] else f"``{found[2]}``", line) for line in lines]
    if what in {"attribute", "data", "property"}:
        lines.insert(0, "")  # napoleon takes what stands before a colon in the first line for a type
    if what == "module":
        block = f".. code-block:: {'text' if name == 'aurashot.errors' else 'python'}"
        indented = [place for place, line in enumerate(lines) if line.startswith("    ") and not lines[place - 1]]
        for place in reversed([place for place in indented if not lines[place - 2].startswith("    ")]):
            lines[place:place] = [block, ""]


def sign(_: Sphinx, what: str, _name: str, value: object, *_rest: object) -> tuple[str, None] | None:
    """Leave out how a model is made: users receive it, and its fields are listed below it."""
    return ("", None) if what == "class" and isinstance(value, type) and issubclass(value, WireModel) else None


def setup(app: Sphinx) -> None:
    """Let the docstrings be prepared before napoleon reads them."""
    app.connect("autodoc-process-docstring", prepare, priority=400)
    app.connect("autodoc-process-signature", sign)
