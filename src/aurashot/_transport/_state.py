"""What a client is made with, sync or async."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from aurashot._deadline import Deadline, check_optional_seconds, check_timeout
from aurashot._engine import environment_proxy
from aurashot._operations import Labels, Operation, check_key, check_tags
from aurashot._retry import RetryPolicy, check_count
from aurashot.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    import ssl

    import httpx

    from aurashot._config import ApiKey
    from aurashot._engine import DownloadProxy, Proxy
    from aurashot._rate_limit import AnyRateLimiter
    from aurashot.instrumentation import Dispatcher
    from aurashot.ledger import Ledger

UNLABELLED: Final = Labels()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What may differ between two views of one client."""

    timeout: float
    retry: RetryPolicy
    dispatcher: Dispatcher
    parent_id: str | None = None
    tags: Mapping[str, str] | None = None
    min_response_time: float | None = None

    def __post_init__(self) -> None:
        """Check the options."""
        check_timeout(self.timeout)
        check_optional_seconds("min_response_time", self.min_response_time)
        try:
            check_key("parent_id", self.parent_id)
            check_tags(self.tags)
        except InputError as error:
            raise ConfigurationError(error.message) from None

    def operation(self, name: str, labels: Labels | None, timeout: float | None) -> Operation:
        """Begin an operation, and start its clock.

        Raises:
            ConfigurationError: `timeout` is invalid.
        """
        deadline = Deadline(self.timeout if timeout is None else check_timeout(timeout))
        return Operation(name, self._labelled(labels or UNLABELLED), deadline, self.parent_id)

    def _labelled(self, labels: Labels) -> Labels:
        if labels == UNLABELLED:
            labels = UNLABELLED  # one object for all of them
        if not self.tags or not isinstance(cast("object", labels.tags), Mapping | None):
            return labels  # what is wrong with them is said where the operation begins
        return Labels(labels.idempotency_key, {**self.tags, **(labels.tags or {})}, labels.pay_once)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The base URL, the credentials, and how servers are reached.

    Attributes:
        ssl_context: The user's TLS context.
        download_proxy: The proxy through which images are fetched.
    """

    base_url: str
    own_origin: str
    key: ApiKey
    max_connections: int
    ssl_context: ssl.SSLContext | None = None
    download_proxy: DownloadProxy | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check the number."""
        check_count("max_connections", self.max_connections)

    @property
    def host_and_port(self) -> tuple[str, int]:
        """The host and port of the service."""
        parts = urlsplit(self.base_url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    def is_proxied(self, url: str) -> bool:
        """Whether the image at a URL is fetched through the proxy for downloads."""
        return self.download_proxy is not None and self.download_proxy.carries(url)


class Shared:
    """What the views of one client were made with, and whether it is closed.

    Args:
        service: The base URL and the credentials.
        http_client: The user's own httpx client.
        ledger: What records billed requests.
        rate_limiter: What is asked before each request.

    Raises:
        ConfigurationError: The environment names a proxy that is none.
    """

    def __init__(
        self,
        service: Service,
        http_client: httpx.Client | httpx.AsyncClient | None = None,
        ledger: Ledger | None = None,
        rate_limiter: AnyRateLimiter | None = None,
    ) -> None:
        self.service: Service = service
        self.http_client: Any = http_client
        self.ledger: Ledger | None = ledger
        self.rate_limiter: AnyRateLimiter | None = rate_limiter
        self.proxy: Proxy | None = (
            None if http_client is not None else environment_proxy(service.base_url, service.ssl_context)
        )
        self.closed: bool = False

    @property
    def download_hint(self) -> str:
        """What to say of a download that cannot connect, to those whose API requests go another way."""
        if self.service.download_proxy is not None or (self.proxy is None and self.http_client is None):
            return ""
        way = "the proxy of API requests" if self.http_client is None else "the httpx client"
        return f"; downloads do not use {way}: if a proxy is needed, pass download_proxy="

    def check_open(self) -> None:
        """Raise if the client is closed."""
        if self.closed:
            raise ConfigurationError("The client is closed; make a new one, or keep it open for as long as it is used")
        if self.http_client is not None and self.http_client.is_closed:
            raise ConfigurationError("The httpx client given as http_client= is closed")
