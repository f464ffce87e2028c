"""What the environment says about the way to the service: base URL, proxies and certificates."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from aurashot._config import BASE_URL, BASE_URL_NAME, find_base_url
from aurashot.diagnostics._finding import Finding, problem
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot._engine import Proxy

_PROXIES: Final = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy", "aurashot_download_proxy"})
_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def base_url() -> Iterator[Finding]:
    """Check the base URL."""
    try:
        url = find_base_url(None)
    except ConfigurationError as error:
        yield problem("base_url", error)
        return
    source = f", as {BASE_URL_NAME} says" if os.environ.get(BASE_URL_NAME) else ""
    yield Finding(check="base_url", level="ok", summary=f"Requests go to {url}{source}")


def proxies() -> Iterator[Finding]:
    """Check the variables that name proxies; their values, which may hold passwords, are not shown."""
    from aurashot._engine import download_proxy, environment_proxy

    names = sorted(name for name in os.environ if name.lower() in _PROXIES and os.environ[name])
    are_set = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} set"
    try:
        proxy = environment_proxy(_url())
        downloads = download_proxy(None)
    except ConfigurationError as error:
        yield problem("proxy", error)
        return
    if proxy is None:
        summary = f"{are_set}, and requests to the service use no proxy" if names else "No proxy is used"
        yield Finding(check="proxy", level="ok", summary=summary)
    else:
        yield Finding(check="proxy", level="ok", summary=f"Requests to the service use the proxy at {_place(proxy)}")
    if downloads is not None:
        yield Finding(check="proxy", level="ok", summary=f"Downloads use the proxy at {_place(downloads.proxy)}")
    elif proxy is not None:
        yield Finding(
            check="proxy",
            level="note",
            summary="Downloads use no proxy",
            fix="if they fail, name one in AURASHOT_DOWNLOAD_PROXY",
        )


def _url() -> str:
    try:
        return find_base_url(None)
    except ConfigurationError:
        return BASE_URL


def _place(proxy: Proxy) -> str:
    url = proxy.inner.url
    return url.host.decode() + ("" if url.port is None else f":{url.port}")


def certificates() -> Iterator[Finding]:
    """Check that the certificates can be loaded which the environment names."""
    from aurashot._engine import ssl_context

    try:
        ssl_context()
    except ConfigurationError as error:
        yield problem("certificates", error)
        return
    names = ["the system", "certifi", *(name for name in _CERTIFICATES if os.environ.get(name))]
    summary = f"The authorities of {', '.join(names[:-1])} and {names[-1]} are trusted"
    yield Finding(check="certificates", level="ok", summary=summary)
