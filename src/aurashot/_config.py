"""Where the key and the base URL come from: argument, environment, `.aurashot.env`, or a clear error."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import urlsplit

from aurashot import _key_approvals, _key_file, _keyring
from aurashot._hidden import HIDDEN, Secret, hides_locals
from aurashot._key_file import FILE_NAME
from aurashot._keyring import KEYRING_NAME
from aurashot._reasons import reason_of
from aurashot._url_policy import base_url_fault
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE_URL: Final = "https://www.aurashot.art"
KEY_NAMES: Final = ("AURASHOT_API_KEY", "AURASHOT_STUDIO_KEY")
BASE_URL_NAME: Final = "AURASHOT_BASE_URL"
ALLOW_HTTP_NAME: Final = "AURASHOT_ALLOW_HTTP"
ENVIRONMENT_ONLY: Final = (BASE_URL_NAME, ALLOW_HTTP_NAME, "AURASHOT_DOWNLOAD_PROXY")
"""What a `.aurashot.env` file, which may come with a project, must not set."""

KEYRING: Final = "the system's keyring"
"""The source of a key that is in the keyring."""

_KEY_SHAPE: Final = re.compile(r"(?=sk_.|.{8})[!-~]{1,256}")
"""A key that starts with sk_ may be short, such as one of the sandbox; of another kind, short ones are no keys."""
_SHORTEST_SECRET: Final = 8
"""Characters of a key from which on it is looked for in responses; shorter ones are parts of common words."""
_QUOTES: Final = "\"'`"

logger: Final = logging.getLogger("aurashot")


class ApiKey:
    """A key that shows at most its last four characters and refuses to be pickled and copied.

    Attributes:
        source: Where it comes from: `api_key=`, the name of a variable, the path of a file, or the system's keyring.
    """

    __slots__ = ("_key", "_shown", "source")

    @hides_locals
    def __init__(self, value: str, source: str) -> None:
        value = _unquoted(value.strip())
        if any(mark in value for mark in _QUOTES):
            raise ConfigurationError(f"The key from {source} has a quotation mark in it; give the key without quotes")
        if not _KEY_SHAPE.fullmatch(value):
            raise ConfigurationError(
                f"The key from {source} is not valid; keys are 8 to 256 printable ASCII characters without spaces, "
                f"like sk_live_...; this one ends in {value[-4:]!r} and has {len(value)}"
                if len(value) > 8  # a shorter one would be shown nearly whole
                else f"The key from {source} is too short or not valid; keys look like sk_live_..."
            )
        self.source: str = source
        self._key = Secret(value.encode())
        self._shown = value[-4:] if len(value) > 8 else ""

    def bearer(self) -> Secret:
        """Return the value of the one header that carries the key."""
        return Secret(b"Bearer " + self._key.reveal())

    def text(self) -> str:
        """Return the key itself, for the one file that holds it."""
        return self._key.reveal().decode()

    def hidden_in(self, data: bytes) -> bytes:
        """Return what the service or its host sent, without the key; a short key of a sandbox is no secret."""
        key = self._key.reveal()
        return data.replace(key, HIDDEN) if len(key) >= _SHORTEST_SECRET and key in data else data

    def __repr__(self) -> str:
        return f"ApiKey('...{self._shown}', source={self.source!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("An API key cannot be pickled; make the client in the process that uses it")

    def __getstate__(self) -> NoReturn:
        raise TypeError("An API key cannot be pickled; make the client in the process that uses it")


def _unquoted(value: str) -> str:
    """Return what stands between a pair of quotes, which an env file of Docker, for example, passes on."""
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in _QUOTES
    return value[1:-1].strip() if is_quoted else value


def find_key(given: str | None) -> ApiKey:
    """Return the key, from the first source that has one.

    Raises:
        ConfigurationError: No source has a key, or the key is invalid.
    """
    if given is not None:
        return ApiKey(given, "api_key=")
    for name in KEY_NAMES:
        if value := os.environ.get(name):
            return ApiKey(value, name)
    if _keyring.is_wanted(os.environ.get(KEYRING_NAME)):
        return _in_keyring(KEYRING_NAME)
    unseen: list[str] = []
    found = _from_files(unseen)
    if found is not None:
        return found
    raise ConfigurationError(
        f"No API key was found; pass api_key=, set {KEY_NAMES[0]}, or write it into {FILE_NAME}; keys are made at "
        f"{BASE_URL}/studio?tab=keys, and `aurashot sandbox serve` works without one{''.join(unseen)}"
    )


@hides_locals
def _from_files(unseen: list[str]) -> ApiKey | None:
    """Return the key of the nearest file that may be used, and note what could not be looked at.

    A file of a project gives way to another key at home unless the user made it.
    """
    home = home_file()
    own = None if home is None else _in_file(home, unseen)
    for folder in working_folders():
        path = folder / FILE_NAME
        key = own if path == home else _in_file(path, unseen)
        if key is None:
            continue
        if own is None or own.text() == key.text() or _key_approvals.is_approved(path, key.text()):
            logger.info("The API key is that of %s", key.source)
            return key
        logger.warning(
            "%s is ignored, since %s has another key; if you trust it, run `aurashot login --here` in its folder",
            path,
            home,
        )
    if own is not None:
        logger.info("The API key is that of %s", own.source)
    return own


def home_file() -> Path | None:
    """Return the path of the key file at home; a user of a container may have no home."""
    with suppress(RuntimeError):
        return Path.home() / FILE_NAME
    return None


def working_folders() -> Iterator[Path]:
    """Yield the working directory and the folders above it."""
    with suppress(OSError):  # it was deleted, or is in a folder that cannot be read
        here = Path.cwd()
        yield here
        yield from here.parents


@hides_locals
def _in_file(path: Path, unseen: list[str]) -> ApiKey | None:
    """Return the key in a file, or None if there is no such file, it has no key, or it is not trusted."""
    try:
        values = _key_file.read(path) or {}
    except OSError as problem:
        unseen.append(f"; {path} could not be looked for ({reason_of(problem)})")
        return None
    except _key_file.UntrustedFileError as problem:
        logger.warning("A key file is ignored: %s", problem.message)
        unseen.append(f"; {problem.message}")
        return None
    for name in ENVIRONMENT_ONLY:
        if values.get(name):
            logger.warning("%s in %s is ignored: a file cannot say where requests are sent", name, path)
    key = next((ApiKey(value, str(path)) for name in KEY_NAMES if (value := values.get(name))), None)
    if key is not None or not _keyring.is_wanted(values.get(KEYRING_NAME)):
        return key
    if path != home_file():
        logger.warning("%s in %s is ignored: only the environment and the file at home can say so", KEYRING_NAME, path)
        return None
    return _in_keyring(str(path))


@hides_locals
def _in_keyring(said_by: str) -> ApiKey:
    return ApiKey(_keyring.read(said_by), KEYRING)


@hides_locals
def save_key(api_key: str, *, folder: str | os.PathLike[str] | None = None) -> Path:
    """Write an API key to a `.aurashot.env` file that only you can read, and return its path.

    Other lines of the file stay as they are. A file in another folder than your home directory is remembered there as
    yours, so that clients in that folder use it although another key is at home.

    Args:
        api_key: The key.
        folder: The folder of the file; your home directory by default.

    Raises:
        ConfigurationError: The key is invalid, you have no home directory, or the file cannot be written.
    """
    key = ApiKey(api_key, "api_key=")
    try:
        path = (Path.home() if folder is None else Path(folder)) / FILE_NAME
    except RuntimeError as problem:
        raise ConfigurationError("You have no home directory; pass folder=, or set HOME") from problem
    _key_file.write(path, KEY_NAMES[0], key.text(), without=(KEYRING_NAME,))
    if path != home_file():
        _key_approvals.approve(path, key.text())
    return path


@hides_locals
def save_key_in_keyring(api_key: str) -> str:
    """Store an API key in the keyring of your system, and return the keyring's name.

    The file `.aurashot.env` in your home directory then says that the key is there, so that clients look there, and a
    key in that file is removed. Needs the extra `keyring`.

    Args:
        api_key: The key.

    Raises:
        ConfigurationError: The key is invalid, the keyring or the file cannot be used, or the extra is missing.
    """
    key = ApiKey(api_key, "api_key=")
    path = home_file()
    if path is None:
        raise ConfigurationError(f"You have no home directory; set HOME, or set {KEYRING_NAME}=1 and use the keyring")
    _key_file.check_writable(path)
    name = _keyring.write(key.text())
    _key_file.write(path, KEYRING_NAME, "1", without=KEY_NAMES)
    return name


def find_base_url(given: str | None) -> str:
    """Return the base URL without a trailing slash.

    Raises:
        ConfigurationError: It is not https (plain http is for loopback and the host that AURASHOT_ALLOW_HTTP names), or
            not a base URL.
    """
    source = "base_url=" if given is not None else BASE_URL_NAME
    address = given if given is not None else os.environ.get(BASE_URL_NAME) or BASE_URL
    if fault := base_url_fault(address, _http_host()):
        raise ConfigurationError(f"{source} {fault}; it looks like {BASE_URL}")
    return address.rstrip("/")


def _http_host() -> str:
    """Return the host that AURASHOT_ALLOW_HTTP names; it is never the hosted service."""
    host = os.environ.get(ALLOW_HTTP_NAME, "").strip()
    return "" if host.lower() == urlsplit(BASE_URL).hostname else host


def origin_of(base_url: str) -> str:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"
