# Written by scripts/sync-client from _async.py: change that file, and run it again.
"""The blocking client."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self

from aurashot._client import _setup as setup
from aurashot._client._sync_calls import Calls
from aurashot._client._sync_characters import CharacterCalls
from aurashot._hidden import hides_locals
from aurashot._rate_limit import check_rate_limiter
from aurashot._transport._sync import Connections, Transport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

    import httpx

    from aurashot._client._sync_legacy import Legacy
    from aurashot._rate_limit import RateLimiter
    from aurashot._retry import RetryPolicy
    from aurashot._url_policy import URLObject
    from aurashot.identity import IdentityPolicy
    from aurashot.instrumentation import Hook
    from aurashot.ledger import Ledger


class AuraShot(Calls, CharacterCalls):
    """The AuraShot API, blocking.

    Create one client, share it between threads, and keep it: it pools connections and caches uploads. Close it with
    `close`, or use it in a `with` statement.

    Args:
        api_key: The API key. Default: `AURASHOT_API_KEY`, `AURASHOT_STUDIO_KEY`, or a `.aurashot.env` file from the
            working directory upward or in the home directory.
        base_url: The URL of the service. Default: `AURASHOT_BASE_URL`, or the hosted service. Plain http is allowed for
            loopback, and for the one host of a private network that `AURASHOT_ALLOW_HTTP` names.
        timeout: Seconds that one call may take in total, including uploads, waits and retries.
        retry: The retry policy, or a number of attempts. By default, what may have been billed is not retried.
        max_connections: The maximum number of connections; further calls wait in order.
        http_client: Your own httpx client for API requests, not for downloads. The SDK does not close it.
        download_proxy: The URL of an http proxy for downloads, such as `http://user:password@host:3128`, which decides
            which IP address a host name stands for. Default: `AURASHOT_DOWNLOAD_PROXY`, or no proxy.
        ssl_context: A TLS context that trusts your own certificate authority, for API requests, uploads and downloads;
            it must verify certificates and host names. With `http_client`, it applies to downloads only.
        ledger: Records every billed request before it is sent, and its outcome afterwards: see `aurashot.ledger`. A
            request that cannot be recorded is not sent. The SDK does not close the ledger.
        rate_limiter: Called before every API request; returns when the request may be sent.
        hooks: Called with an event when an operation or one of its requests starts, succeeds or fails.
        strip_metadata: Whether a local photo is rotated upright and stripped of location and other metadata before it
            leaves the machine. Default: if the extra `images` is installed; without it, a photo that has metadata is
            sent as it is, with a warning. True requires the extra.
        allow_paths: Whether strings may be paths. With False, for strings of others, they are https or `data:` URLs.
        max_image_bytes: The largest image to read, upload or download, in bytes. Default: 100 MiB.
        max_image_pixels: The largest image to decode or download, in pixels of all frames. Default: 50 million.
        min_response_time: Seconds of `timeout` that must be left when a billed request is sent; with less, the call
            raises `DeadlineExceededError` and sends nothing. Default: the fastest response to such a request in the
            last five minutes. 0 always sends.

    Raises:
        ConfigurationError: There is no key, an argument is invalid, or the extra that it needs is missing.
    """

    @hides_locals
    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | URLObject | None = None,
        timeout: float = setup.DEFAULT_TIMEOUT,
        retry: RetryPolicy | int | None = None,
        max_connections: int = setup.DEFAULT_MAX_CONNECTIONS,
        http_client: httpx.Client | None = None,
        download_proxy: str | URLObject | None = None,
        ssl_context: ssl.SSLContext | None = None,
        ledger: Ledger | None = None,
        rate_limiter: RateLimiter | None = None,
        hooks: Iterable[Hook] = (),
        strip_metadata: bool | None = None,
        allow_paths: bool = True,
        max_image_bytes: int = setup.DEFAULT_MAX_IMAGE_BYTES,
        max_image_pixels: int = setup.DEFAULT_MAX_IMAGE_PIXELS,
        min_response_time: float | None = None,
    ) -> None:
        setup.check_ledger(ledger)
        check_rate_limiter(rate_limiter, "RateLimiter")
        service = setup.service(
            api_key, base_url, max_connections, download_proxy=download_proxy, ssl_context=ssl_context
        )
        setup.check_http_client(http_client, "Client", service.base_url)
        self._rules = setup.rules(
            service, max_image_bytes, max_image_pixels, strip_metadata=strip_metadata, allow_paths=allow_paths
        )
        self._transport = Transport(
            Connections(service, http_client, ledger, rate_limiter),
            setup.options(timeout, retry, hooks, min_response_time),
        )
        self._owner = True

    @cached_property
    def legacy(self) -> Legacy:
        """The legacy workflows, for older integrations."""
        from aurashot._client._sync_legacy import Legacy

        return Legacy(self._transport, self._rules)

    def with_options(
        self,
        *,
        timeout: float | None = None,
        retry: RetryPolicy | int | None = None,
        hooks: Iterable[Hook] | None = None,
        parent_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        allow_paths: bool | None = None,
        min_response_time: float | None = None,
        max_image_bytes: int | None = None,
        max_image_pixels: int | None = None,
        identity: IdentityPolicy | Literal[False] | None = None,
    ) -> Self:
        """Return a client with other options that shares this client's connections and cached uploads.

        Options that are not given stay the same. It cannot be used after this client is closed.

        Args:
            timeout: Seconds that one call may take in total.
            retry: The retry policy, or a number of attempts.
            hooks: Called with events, instead of this client's hooks.
            parent_id: What the operations belong to, such as a batch; their events and ledger entries carry it.
            tags: Tags of every billed request, in addition to those of the call.
            allow_paths: Whether a string that is passed as an image may be a path.
            min_response_time: Seconds of `timeout` that must be left when a billed request is sent.
            max_image_bytes: The largest image to read, upload or download, in bytes.
            max_image_pixels: The largest image to decode or download, in pixels, all frames together.
            identity: Compare every image with its face, within the limits of the policy; False switches it off.

        Raises:
            ConfigurationError: An argument is invalid.
        """
        view = object.__new__(type(self))
        view._rules = setup.changed_rules(
            self._rules, max_image_bytes, max_image_pixels, allow_paths=allow_paths
        )  # a view is another one of these
        options = setup.changed(
            self._transport.options,
            timeout=timeout,
            retry=retry,
            hooks=hooks,
            parent_id=parent_id,
            tags=tags,
            min_response_time=min_response_time,
        )
        view._identity = self._policy(identity)  # a view is another one of these
        view._transport = Transport(self._transport.connections, options)  # a view is another one of these
        view._owner = False  # a view is another one of these
        return view

    def close(self) -> None:
        """Close the connections. A client made by `with_options` leaves this to the client that it came from."""
        if self._owner:
            self._transport.connections.close()

    def __enter__(self) -> Self:
        self._transport.load()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        service = self._transport.connections.service
        return f"{type(self).__name__}(base_url={service.base_url!r}, api_key={service.key!r})"
