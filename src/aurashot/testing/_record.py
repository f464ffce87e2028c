"""Record the requests of clients in the HTTP Archive format (HAR 1.2), without secrets."""

from __future__ import annotations

import json
import secrets
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aurashot import _atomic
from aurashot._reasons import reason_of
from aurashot._version import __version__
from aurashot.errors import AuraShotError, InputError
from aurashot.testing._cleaning import Cleaner
from aurashot.testing._secrets import key_like, known_secrets
from aurashot.testing._traffic import Exchange, listening

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Generator

_SALT_BYTES: Final = 16
_SHOWN: Final = 5
"""How many places of something key-like a message names."""


@dataclass(frozen=True)
class Entry:
    """One recorded request, ready to be written.

    Attributes:
        label: The request, such as `POST https://…`.
        content: The entry of the archive; empty if it holds something like a key.
        key_like: Where it holds something like a key.
        left_out: The names of the JSON fields that were not kept.
    """

    label: str
    content: dict[str, Any]
    key_like: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """What all entries of a recording have in common.

    Attributes:
        salt: Random bytes, for the digests of hidden values.
        keep_fields: The names of fields that are kept although they are not of the API.
    """

    salt: bytes = field(repr=False)
    keep_fields: tuple[str, ...]

    @classmethod
    def of(cls, keep_fields: Collection[str]) -> Settings:
        """Return new settings.

        Raises:
            InputError: The names of fields are one text instead of a list.
        """
        if isinstance(keep_fields, str):
            raise InputError(f"keep_fields: a list of names is needed, not {keep_fields!r}", argument="keep_fields")
        return cls(secrets.token_bytes(_SALT_BYTES), tuple(keep_fields))


class Recording:
    """What is being recorded, or was.

    Attributes:
        path: The file that is written at the end.
    """

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    @property
    def requests(self) -> tuple[str, ...]:
        """The requests in the order in which they were sent, such as `POST https://…`."""
        return tuple(entry.label for entry in self._in_order())

    @property
    def left_out(self) -> tuple[str, ...]:
        """The names of the JSON fields that were not kept, since they are not of the API, sorted."""
        return tuple(sorted({name for entry in self._in_order() for name in entry.left_out}))

    def add(self, entry: Entry) -> None:
        """Take an entry, in any thread."""
        with self._lock:
            self._entries.append(entry)

    def write(self) -> None:
        """Write the file.

        Raises:
            AuraShotError: It holds something like a key, or no request; there is no new file, and an old one stays.
            InputError: The file cannot be written.
        """
        entries = self._in_order()
        found = [f"entries.{index}.{place}" for index, entry in enumerate(entries) for place in entry.key_like]
        if found:
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            places = "; ".join(found[:_SHOWN]) + more
            raise AuraShotError(
                f"{self.path} was not written, since a recording may not hold a key: {places}; leave it out of what "
                "you send, and record again"
            )
        if not entries:
            raise AuraShotError(
                f"{self.path} was not written, since no client sent a request; one with http_client= is recorded if "
                "httpx carries its requests itself"
            )
        text = archive([entry.content for entry in entries])
        try:
            _atomic.write(self.path, text.encode())
        except OSError as error:
            raise unwritable(self.path, error) from error

    def _in_order(self) -> list[Entry]:
        with self._lock:
            return sorted(self._entries, key=lambda entry: str(entry.content.get("startedDateTime", "")))


@contextmanager
def record(har_path: str | os.PathLike[str], *, keep_fields: Collection[str] = ()) -> Generator[Recording]:
    """Record every request that clients of this process send until the end of the block, for `replay`.

    The requests are sent, and billed, as always. The file is written when the block ends, also with an error; an
    earlier file is replaced. It holds no secret: of headers and JSON fields only known ones are kept, query values of
    URLs are hidden, what is uploaded is left out, and nothing is written if anything looks like a key. For a sandbox,
    the file names the hosted service. Prompts, and images that were downloaded, are in it.

    Args:
        har_path: The file, in the HTTP Archive format (HAR 1.2).
        keep_fields: The names of JSON fields to keep in addition to those of the API.

    Raises:
        InputError: The file cannot be written, which is checked before the block begins.
        AuraShotError: Something looks like a key, or no request was sent; there is no new file.
    """
    recording, settings = Recording(checked(har_path)), Settings.of(keep_fields)
    try:
        with listening(noting(settings, recording.add)):
            yield recording
    except BaseException as error:  # Ctrl-C as well: what was recorded may have been paid for
        try:
            recording.write()
        except AuraShotError as problem:
            error.add_note(reason_of(problem))
        raise
    recording.write()


def noting(settings: Settings, add: Callable[[Entry], None]) -> Callable[[Exchange], None]:
    """Return what makes entries of exchanges; an entry that holds something like a key loses its content."""

    def note(exchange: Exchange) -> None:
        cleaner = Cleaner(settings.salt, settings.keep_fields)
        content = cleaner.entry(exchange)
        found = key_like(content, known_secrets(exchange.authorization))
        label = f"{content['request']['method']} {content['request']['url']}"
        add(
            Entry(
                label=exchange.method if found else label,
                content={"startedDateTime": content["startedDateTime"]} if found else content,
                key_like=tuple(found),
                left_out=tuple(sorted(cleaner.left_out)),
            )
        )

    return note


def archive(entries: list[dict[str, Any]]) -> str:
    """Return entries as the text of an archive."""
    creator = {"name": "aurashot", "version": __version__}
    log = {"version": "1.2", "creator": creator, "entries": entries}
    return json.dumps({"log": log}, indent=1, ensure_ascii=False) + "\n"


def checked(har_path: str | os.PathLike[str]) -> Path:
    """Return a path that a recording can be written to.

    Raises:
        InputError: It cannot.
    """
    path = Path(har_path)
    fault = _atomic.path_fault(str(path))
    if fault is not None:
        raise InputError(f"har_path: {fault}; pass the path of a file", argument="har_path")
    try:
        _atomic.replaceable(path)
        if not path.parent.is_dir():
            raise InputError(f"har_path: there is no folder {path.parent}; make it first", argument="har_path")
    except OSError as error:
        raise unwritable(path, error) from error
    return path


def unwritable(path: Path, problem: OSError) -> InputError:
    """Return the error for a file that cannot be written."""
    return InputError(
        f"har_path: {path} cannot be written ({reason_of(problem)}); choose another path", argument="har_path"
    )
