"""The API key in the keyring of the system: Keychain, Credential Locker, Secret Service, KWallet.

It is read only if the user says that the key is there: a keyring may ask for a password, and importing the package
`keyring` takes longer than a client does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aurashot._hidden import hides_locals
from aurashot._reasons import described
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from types import ModuleType

KEYRING_NAME: Final = "AURASHOT_KEYRING"
"""What says, in the environment or in the key file at home, that the key is in the keyring."""
_SERVICE: Final = "aurashot"
_USER: Final = "api-key"
_YES: Final = frozenset({"1", "true", "yes", "on"})
_INSTEAD: Final = "run `aurashot login` to store the key in a file instead"


def is_wanted(value: str | None) -> bool:
    """Whether the value of `AURASHOT_KEYRING` says that the key is in the keyring."""
    return value is not None and value.strip().lower() in _YES


@hides_locals
def read(source: str) -> str:
    """Return the key.

    Args:
        source: What says that the key is in the keyring, for messages.

    Raises:
        ConfigurationError: It is not there, or the keyring cannot be used.
    """
    keyring = _keyring(f"{source} says that the key is in the system's keyring")
    try:
        key: str | None = keyring.get_password(_SERVICE, _USER)
    except Exception as problem:  # each backend raises errors of its own
        raise _failed("read", problem) from problem
    if not key:
        raise ConfigurationError(
            f"{source} says that the key is in the system's keyring, and it is not; run `aurashot login --keyring`, or "
            f"remove {KEYRING_NAME}"
        )
    return key


@hides_locals
def write(key: str) -> str:
    """Store the key, and return how the keyring is called.

    Raises:
        ConfigurationError: The keyring cannot be used.
    """
    keyring = _keyring("The key cannot be stored in the system's keyring")
    try:
        keyring.set_password(_SERVICE, _USER, key)
    except Exception as problem:  # noqa: BLE001  # each backend raises errors of its own
        raise _failed("written to", problem, key) from None  # it may quote the key
    return str(keyring.get_keyring().name)


def _keyring(what: str) -> ModuleType:
    try:
        import keyring
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            f"{what}, and the package {missing.name} is missing; run: pip install 'aurashot[keyring]'"
        ) from missing
    return keyring


def _failed(verb: str, problem: Exception, key: str = "") -> ConfigurationError:
    reason = described(problem)
    if key and key in reason:
        reason = type(problem).__name__
    return ConfigurationError(f"The system's keyring cannot be {verb} ({reason}); unlock it, or {_INSTEAD}")
