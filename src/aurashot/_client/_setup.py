"""Check constructor arguments, and turn them into what the drivers need."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, cast

from aurashot._config import find_base_url, find_key, origin_of
from aurashot._engine import download_proxy as find_download_proxy
from aurashot._retry import check_count, policy_of
from aurashot._transport._state import Options, Service
from aurashot._url_policy import url_text
from aurashot.errors import ConfigurationError
from aurashot.images import ImageRules
from aurashot.images._rules import MAX_BYTES, MAX_PIXELS
from aurashot.instrumentation import Dispatcher

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from aurashot._retry import RetryPolicy
    from aurashot._url_policy import URLObject
    from aurashot.identity import IdentityPolicy
    from aurashot.instrumentation import Hook

DEFAULT_TIMEOUT: Final = 120.0
"""Seconds that one call may take in all: what the service's own reference client waits."""
_SHORTEST: Final = 0.001
"""Seconds of a time that is over already: a timeout is more than nothing."""
DEFAULT_MAX_CONNECTIONS: Final = 256
DEFAULT_MAX_IMAGE_BYTES: Final = MAX_BYTES
DEFAULT_MAX_IMAGE_PIXELS: Final = MAX_PIXELS


def service(
    api_key: str | None,
    base_url: str | URLObject | None,
    max_connections: int,
    *,
    download_proxy: str | URLObject | None,
    ssl_context: ssl.SSLContext | None,
) -> Service:
    """Resolve the base URL, the credentials and the proxy for downloads.

    Raises:
        ConfigurationError: There is no key, or an argument is invalid.
    """
    _check_type("api_key", api_key, str, "a string")
    base_url, download_proxy = _text("base_url", base_url), _text("download_proxy", download_proxy)
    if ssl_context is not None:
        from aurashot._engine import check_context

        check_context(ssl_context)
    address = find_base_url(base_url)
    return Service(
        base_url=address,
        own_origin=origin_of(address),
        key=find_key(api_key),
        max_connections=max_connections,
        ssl_context=ssl_context,
        download_proxy=find_download_proxy(download_proxy, ssl_context),
    )


def _check_type(name: str, value: object, kind: type, what: str) -> None:
    """Raise if an optional argument is of another type; its value, which may be a secret, is not shown."""
    if value is not None and not isinstance(value, kind):
        raise ConfigurationError(f"{name}= takes {what}, not an object of type {type(value).__name__}")


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name}= takes True or False, not an object of type {type(value).__name__}")
    return value


def _text(name: str, url: str | URLObject | None) -> str | None:
    text = url_text(url)
    if text is None:
        _check_type(name, url, str, "a URL")
    return cast("str | None", url if text is None else text)


def options(
    timeout: float, retry: RetryPolicy | int | None, hooks: Iterable[Hook], min_response_time: float | None
) -> Options:
    """Return the options that can differ between two views of one client."""
    return Options(
        timeout=timeout,
        retry=policy_of(retry),
        dispatcher=_dispatcher(hooks),
        min_response_time=min_response_time,
    )


def _dispatcher(hooks: Iterable[Hook]) -> Dispatcher:
    _check_type("hooks", hooks, Iterable, "a list of functions")
    return Dispatcher(tuple(hooks))


def changed(
    old: Options,
    *,
    timeout: float | None,
    retry: RetryPolicy | int | None,
    hooks: Iterable[Hook] | None,
    parent_id: str | None,
    tags: Mapping[str, str] | None,
    min_response_time: float | None,
) -> Options:
    """Return the options with changes applied."""
    _check_type("parent_id", parent_id, str, "a string")
    return Options(
        timeout=old.timeout if timeout is None else timeout,
        retry=old.retry if retry is None else policy_of(retry),
        dispatcher=old.dispatcher if hooks is None else _dispatcher(hooks),
        parent_id=old.parent_id if parent_id is None else parent_id,
        tags=old.tags if tags is None else tags,
        min_response_time=old.min_response_time if min_response_time is None else min_response_time,
    )


def rules(
    service: Service, max_image_bytes: int, max_image_pixels: int, *, strip_metadata: bool | None, allow_paths: bool
) -> ImageRules:
    """Return how images are treated, and how large they may be.

    Raises:
        ConfigurationError: Metadata have to be removed, and Pillow is missing; or an argument is invalid.
    """
    _check_type("strip_metadata", strip_metadata, bool, "True, False or None")
    if strip_metadata:
        from aurashot.images._pillow import check_pillow_for_stripping

        check_pillow_for_stripping()
    made = ImageRules(own_origin=service.own_origin, strip_metadata=strip_metadata)
    return changed_rules(made, max_image_bytes, max_image_pixels, allow_paths=_flag("allow_paths", allow_paths))


def changed_rules(
    old: ImageRules, max_image_bytes: int | None, max_image_pixels: int | None, *, allow_paths: bool | None
) -> ImageRules:
    """Return the rules for images with changes applied; what is None stays.

    Raises:
        ConfigurationError: An argument is invalid.
    """
    if max_image_bytes is not None:
        check_count("max_image_bytes", max_image_bytes)
        old = old._replace(max_bytes=max_image_bytes)
    if max_image_pixels is not None:
        check_count("max_image_pixels", max_image_pixels)
        old = old._replace(max_pixels=max_image_pixels)
    return old if allow_paths is None else old._replace(allow_paths=_flag("allow_paths", allow_paths))


def identity_policy(given: object) -> IdentityPolicy | None:
    """Check an identity policy; False is none.

    Raises:
        ConfigurationError: It is something else.
    """
    if given is False:
        return None

    from aurashot.identity import IdentityPolicy

    if not isinstance(given, IdentityPolicy):
        raise ConfigurationError(f"identity= takes an IdentityPolicy or False, not {type(given).__name__}")
    return given


def check_ledger(given: object) -> None:
    """Check a ledger.

    Raises:
        ConfigurationError: It is not a `Ledger`.
    """
    if given is not None and not all(callable(getattr(given, name, None)) for name in ("recall", "write")):
        raise ConfigurationError(f"ledger= takes a SQLiteLedger, or an object like it, not {type(given).__name__}")


def check_http_client(given: object, wanted: str, base_url: str) -> None:
    """Refuse an async httpx client for the sync client, and the reverse, and one that would show the key to a proxy.

    Raises:
        ConfigurationError: It is of the wrong kind, or sends plain http through a proxy.
    """
    if given is None:
        return

    import httpx

    if not isinstance(given, getattr(httpx, wanted)):
        raise ConfigurationError(f"http_client= takes an httpx.{wanted}, not {type(given).__name__}")

    from aurashot._transport._plain_http import check_no_proxy, transport_of

    url = httpx.URL(base_url)
    check_no_proxy(transport_of(given, url), url)


def time_left(timeout: float | None, since: float) -> float | None:
    """Return what is left of the timeout of a call for its next step; None for the client's own timeout.

    Args:
        timeout: Seconds for all of the call.
        since: When it began, by `time.monotonic`.
    """
    return None if timeout is None else max(_SHORTEST, timeout - (time.monotonic() - since))
