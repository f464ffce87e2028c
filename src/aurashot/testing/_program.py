"""Record what a program sends, and the Python programs that it starts.

A program that is written in Python imports `sitecustomize` when it starts. The one in the folder `startup` of this
package, which is put first on its `PYTHONPATH`, begins to record in that process. Each request becomes a file in a
private temporary folder as soon as its response is there, so that a program that is killed loses none, and the
recording is made of these files when the program has ended.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aurashot import _atomic
from aurashot._reasons import reason_of
from aurashot.errors import InputError
from aurashot.testing._record import Entry, Recording, Settings, checked, noting
from aurashot.testing._traffic import start

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Sequence

VARIABLE: Final = "AURASHOT_RECORD"
"""The environment variable that names the folder that a program records into."""
_LOG: Final = logging.getLogger("aurashot")
_STARTUP: Final = Path(__file__).with_name("startup")
_SETTINGS: Final = "settings.json"


class RecordedProgram(Recording):
    """A program that has ended, and what was recorded of it.

    Attributes:
        exit_code: Its exit code; 128 plus the number of the signal that ended it, as in shells.
    """

    def __init__(self, path: Path, exit_code: int) -> None:
        super().__init__(path)
        self.exit_code: int = exit_code


def record_program(
    command: Sequence[str], har_path: str | os.PathLike[str], *, keep_fields: Collection[str] = ()
) -> RecordedProgram:
    """Run a program, and record the requests of its clients, for `replay`.

    What is recorded, and what is not, is as with `record`. Python programs that it starts are recorded as well. One
    that ignores `PYTHONPATH`, as `python -I` does, cannot be recorded. The program gets the signals that this process
    gets, and is waited for.

    Args:
        command: The program and its arguments.
        har_path: The file, in the HTTP Archive format (HAR 1.2); an earlier one is replaced.
        keep_fields: The names of JSON fields to keep in addition to those of the API.

    Returns:
        The recording. The file is not there if the program sent no request, which `requests` says.

    Raises:
        InputError: The file cannot be written, or the program cannot be started; nothing was run.
        AuraShotError: Something looks like a key. The program has run, and there is no new file.
    """
    path, settings = checked(har_path), Settings.of(keep_fields)
    if isinstance(command, str) or not command:
        raise InputError(
            f"command: a list of a program and its arguments is needed, not {command!r}", argument="command"
        )
    with tempfile.TemporaryDirectory(prefix="aurashot-record-") as name:
        folder = Path(name)
        _atomic.write(folder / _SETTINGS, _packed(settings), mode=0o600)
        recorded = RecordedProgram(path, _run(command, folder))
        for each in sorted(folder.glob("entry-*.json")):
            recorded.add(_unpacked(each.read_bytes()))
    if recorded.requests:
        recorded.write()
    return recorded


def begin(folder: Path) -> None:
    """Record every request of this process into a folder, for as long as it lives."""
    given = json.loads((folder / _SETTINGS).read_bytes())
    settings = Settings(bytes.fromhex(given["salt"]), tuple(given["keep_fields"]))
    start(noting(settings, _keeping(folder)))


def _keeping(folder: Path) -> Callable[[Entry], None]:
    numbers = count(1)

    def keep(entry: Entry) -> None:
        name = f"entry-{os.getpid()}-{next(numbers):06}.json"
        try:
            _atomic.write(folder / name, json.dumps(asdict(entry)).encode(), mode=0o600)
        except FileNotFoundError:
            return  # the recording is over, and this process outlives it
        except OSError as error:  # the program must not lose a response that is paid for
            _LOG.warning("A request is missing in the recording (%s)", reason_of(error))

    return keep


def _packed(settings: Settings) -> bytes:
    return json.dumps({"salt": settings.salt.hex(), "keep_fields": settings.keep_fields}).encode()


def _unpacked(content: bytes) -> Entry:
    given: dict[str, Any] = json.loads(content)
    return Entry(given["label"], given["content"], tuple(given["key_like"]), tuple(given["left_out"]))


def _run(command: Sequence[str], folder: Path) -> int:
    """Run a program to its end and return its exit code.

    Raises:
        InputError: It cannot be started.
    """
    paths = [str(_STARTUP), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, VARIABLE: str(folder), "PYTHONPATH": os.pathsep.join(paths)}
    try:
        process = subprocess.Popen([*command], env=environment)  # noqa: S603  # the user's own command
    except (OSError, ValueError) as error:
        raise InputError(
            f"command: {command[0]} cannot be started ({reason_of(error)}); check its name", argument="command"
        ) from error
    with _passing_on(process):
        code = _end_of(process)
    return code if code >= 0 else 128 - code


def _end_of(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process; a terminal sends Ctrl-C to it as well, and what it does then is its own affair."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


@contextmanager
def _passing_on(process: subprocess.Popen[bytes]) -> Generator[None]:
    """Pass a request to terminate on to a process; only the main thread of a program can be told of one."""
    try:
        before = signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
