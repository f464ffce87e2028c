from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from tests.plain_drawings import CONFTEST, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

GUIDE = ROOT / "docs" / "testing.md"


def recording() -> dict[str, Any]:
    """Return the archive of one generation, as the contract shows it."""
    body = {"prompt": "sitting in a cozy cafe", "images": {"face": "https://example.com/face.jpg"}}
    content = {"requestId": "1", "status": "success", "outputs": [{"url": "https://example.com/cafe.png"}]}
    url = "https://www.aurashot.art/v1/character/generate"
    request: dict[str, Any] = {"method": "POST", "url": url, "headers": [], "postData": {"text": json.dumps(body)}}
    response: dict[str, Any] = {"status": 200, "headers": [], "content": {"text": json.dumps(content)}}
    return {"log": {"version": "1.2", "entries": [{"request": request, "response": response}]}}


def test_the_tests_in_the_guide_pass(drawn: Image.Image, tmp_path: Path) -> None:
    """The guide's blocks, pasted into one test module, are tests that pytest finds and that pass."""
    blocks = [str(example.parsed) for example in Sybil([PythonCodeBlockParser()]).parse(GUIDE).examples()]
    (tmp_path / "test_portrait.py").write_text("\n".join(blocks), encoding="utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "cafe.har").write_text(json.dumps(recording()), encoding="utf-8")
    drawn.save(tmp_path / "selfie.jpg")
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_portrait.py"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None, done.stdout
    assert int(passed[1]) >= len(re.findall(r"^(?:async )?def test_", "\n".join(blocks), re.MULTILINE)) > 0
    assert done.returncode == 0, done.stdout
