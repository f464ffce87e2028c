"""What a client holds, apart from its connections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aurashot._deadline import Deadline
from aurashot._once import Memory
from aurashot._retry import RetryBudget, RetryPolicy
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from aurashot._config import ApiKey
    from aurashot.instrumentation import Teller


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What may differ between two views of one client."""

    timeout: float
    retry: RetryPolicy
    teller: Teller

    def __post_init__(self) -> None:
        """Refuse a time that cannot work."""
        check_timeout(self.timeout)

    def deadline(self, timeout: float | None) -> Deadline:
        """Start the clock of one call.

        Raises:
            ConfigurationError: `timeout` is given and cannot work.
        """
        return Deadline(self.timeout if timeout is None else check_timeout(timeout))


def check_timeout(seconds: object) -> float:
    """Refuse a time that cannot work."""
    if isinstance(seconds, int | float) and 0 < seconds < float("inf"):
        return seconds
    raise ConfigurationError(f"timeout must be a number of seconds above 0, not {seconds!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Where the requests go, and as whom."""

    base_url: str
    own_origin: str
    key: ApiKey
    max_connections: int

    def __post_init__(self) -> None:
        """Refuse a number that cannot work."""
        if self.max_connections < 1:
            raise ConfigurationError(f"max_connections must be at least 1, not {self.max_connections}")

    @property
    def place(self) -> tuple[str, int]:
        """The host and port of the service."""
        parts = urlsplit(self.base_url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


@dataclass(slots=True)
class Shared:
    """What all views of one client have in common."""

    memory: Memory = field(default_factory=Memory)
    budget: RetryBudget = field(default_factory=RetryBudget)
    closed: bool = False

    def check_open(self, http_client_is_closed: bool) -> None:  # noqa: FBT001  # its one argument
        """Refuse to work after `close`."""
        if self.closed:
            raise ConfigurationError("the client is closed: make a new one, or keep it open for as long as it is used")
        if http_client_is_closed:
            raise ConfigurationError("the httpx client given as http_client= is closed")
