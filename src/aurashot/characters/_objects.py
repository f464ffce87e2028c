"""The requests to an object store, by obstore; its errors become ours here, and nowhere else.

obstore repeats what failed with 5xx or without a connection, and does not repeat a conditional request whose response
was lost. So each object that is created carries a random token: if it is found with the token, it was this request that
created it.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from uuid import uuid4

from aurashot._reasons import reason_of
from aurashot.characters._character import media_type_of
from aurashot.characters._store import StoredFile, library_error
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from obstore import ObjectMeta
    from obstore.store import ObjectStore as AnyStore

_TOKEN: Final = "aurashot-write"  # noqa: S105 - it is the name of a header
_ATTEMPTS: Final = 2
"""How often an object is tried to be created when the response was lost."""
_CHUNK: Final = 1_000
"""Objects in one response to a listing."""


class Version(NamedTuple):
    """What tells one content of an object from another: stores know one of both, or both."""

    e_tag: str | None
    version: str | None


class Objects:
    """The requests to one object store.

    Args:
        store: Any store of obstore.
        address: What it is called in messages.
    """

    def __init__(self, store: AnyStore, address: str) -> None:
        self.address: str = address
        self._store = store

    @classmethod
    def at(cls, address: str, options: Mapping[str, Any], seconds: float) -> Objects:
        """Open the store at an address.

        Args:
            address: Such as `s3://bucket/folder`.
            options: What obstore's `from_url` takes by keyword.
            seconds: How long a request may take, repetitions included.

        Raises:
            ConfigurationError: The extra `characters` is missing, or obstore does not take the address or an option.
        """
        try:
            from obstore.store import from_url
        except ImportError as missing:
            raise ConfigurationError(
                f"A library at {address} needs obstore; install it with pip install 'aurashot[characters]'"
            ) from missing
        limits: dict[str, dict[str, Any]] = {
            "client_options": {"timeout": timedelta(seconds=seconds / 3), "connect_timeout": timedelta(seconds=5)},
            "retry_config": {"max_retries": 6, "retry_timeout": timedelta(seconds=seconds / 6)},
        }
        merged: dict[str, Any] = dict(options)
        for name, own in limits.items():
            merged[name] = own | dict(merged.get(name) or {})
        try:
            return cls(from_url(address, **merged), address)
        except Exception as error:
            raise ConfigurationError(
                f"The library at {address} cannot be opened: {reason_of(error)[:500]}; pass an address such as "
                "s3://bucket/folder, and options= that obstore's from_url takes"
            ) from error

    def read(self, path: str) -> bytes:
        """Return the content of an object.

        Raises:
            FileNotFoundError: There is none.
            LibraryError: The store does not respond as it should.
        """
        import obstore
        from obstore.exceptions import BaseError

        try:
            return bytes(obstore.get(self._store, path).bytes())
        except BaseError as error:
            raise library_error(path, "read", error) from error

    def version(self, path: str) -> Version | None:
        """Return the version of an object; None if there is none."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            return _version(obstore.head(self._store, path))
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise library_error(path, "read", error) from error

    def create(self, path: str, content: bytes) -> Version:
        """Create an object, and return its version.

        Raises:
            FileExistsError: There is one, and it is not of this request.
            LibraryError: The store does not respond as it should.
        """
        from obstore.exceptions import AlreadyExistsError, BaseError

        token, attempts = uuid4().hex, 0
        while True:
            attempts += 1
            try:
                return self._put(path, content, mode="create", token=token)
            except AlreadyExistsError as error:
                if (found := self._written(path, token)) is not None:
                    return found
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from error
            except BaseError as error:
                if attempts == _ATTEMPTS:
                    raise library_error(path, "written", error) from error

    def _written(self, path: str, token: str) -> Version | None:
        """Return the version of an object if it has the token of a request, whose response was lost."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            found = obstore.get(self._store, path)
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise library_error(path, "read", error) from error
        attributes = cast("Mapping[str, str]", found.attributes)
        return _version(found.meta) if attributes.get(_TOKEN) == token else None

    def replace(self, path: str, content: bytes) -> None:
        """Write an object, in place of an earlier one."""
        from obstore.exceptions import BaseError

        try:
            self._put(path, content, mode="overwrite")
        except BaseError as error:
            raise library_error(path, "written", error) from error

    def exchange(self, path: str, content: bytes, version: Version) -> Version | None:
        """Write an object if it still has a version, and return the new one; None if it has not."""
        from obstore.exceptions import BaseError, PreconditionError

        token, known = uuid4().hex, {name: value for name, value in version._asdict().items() if value is not None}
        try:
            return self._put(path, content, mode=known, token=token)
        except FileNotFoundError:
            return None
        except PreconditionError:
            return self._written(path, token)
        except BaseError as error:
            raise library_error(path, "written", error) from error

    def _put(self, path: str, content: bytes, *, mode: Any, token: str = "") -> Version:
        import obstore

        attributes: Any = {"Content-Type": media_type_of(path), _TOKEN: token}
        return _version(obstore.put(self._store, path, content, mode=mode, attributes=attributes, use_multipart=False))

    def remove(self, paths: Sequence[str]) -> None:
        """Remove objects, those that are there."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            try:
                if paths:
                    obstore.delete(self._store, list(paths))
            except FileNotFoundError:  # some stores say so, and stop there
                for path in paths:
                    with suppress(FileNotFoundError):
                        obstore.delete(self._store, path)
        except BaseError as error:
            raise library_error(paths[0], "removed", error) from error

    def copy(self, path: str, target: str) -> None:
        """Copy an object within the store.

        Raises:
            FileNotFoundError: There is none.
            LibraryError: The store does not respond as it should.
        """
        import obstore
        from obstore.exceptions import BaseError

        try:
            obstore.copy(self._store, path, target)
        except BaseError as error:
            raise library_error(path, "copied", error) from error

    def below(self, folder: str) -> Iterator[StoredFile]:
        """Return the objects below a folder, in any order."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            listed = cast("Any", obstore).list  # its types are partly unknown
            chunks: Iterable[Sequence[ObjectMeta]] = listed(self._store, f"{folder}/", chunk_size=_CHUNK)
            for chunk in chunks:
                for each in chunk:
                    yield StoredFile(each["path"], each["size"], each["last_modified"])
        except BaseError as error:
            raise library_error(folder, "listed", error) from error

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders directly in a folder."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            listed = cast("Any", obstore).list_with_delimiter  # its types are partly unknown
            found: Mapping[str, Sequence[str]] = listed(self._store, f"{folder}/")
        except BaseError as error:
            raise library_error(folder, "listed", error) from error
        return [each.rstrip("/").rpartition("/")[2] for each in found["common_prefixes"]]


def _version(found: Any) -> Version:
    return Version(found["e_tag"], found["version"])
