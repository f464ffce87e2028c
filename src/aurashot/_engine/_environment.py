"""What comes from the process and its environment: the TLS context and the proxy."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING

import httpcore

if TYPE_CHECKING:
    import ssl


@cache
def ssl_context() -> ssl.SSLContext:
    """Return the process's one TLS context: making one takes longer than a call does.

    It trusts what the system and `SSL_CERT_FILE` name, and certifi's authorities.
    """
    return httpcore.default_ssl_context()


def environment_proxy(address: str) -> httpcore.Proxy | None:
    """Return the proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, or the system, name for an address."""
    if sys.platform not in {"darwin", "win32"} and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None  # the usual case needs none of the imports below

    import urllib.request

    import httpx

    url = httpx.URL(address)
    proxies = urllib.request.getproxies()
    proxy_address = proxies.get(url.scheme) or proxies.get("all")
    if not proxy_address or urllib.request.proxy_bypass(url.host):
        return None
    proxy = httpx.Proxy(proxy_address if "://" in proxy_address else f"http://{proxy_address}")
    context = ssl_context() if proxy.url.scheme == "https" else None
    return httpcore.Proxy(str(proxy.url), auth=proxy.raw_auth, ssl_context=context)
