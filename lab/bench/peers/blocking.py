"""One image call, blocking."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lab.bench.peers import BODY, FACE, HEADERS, KEY, PATH, PROMPT, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

BlockingCall: TypeAlias = "Callable[[], object]"


def aurashot(url: str, **options: Any) -> BlockingCall:
    """Create an aurashot client with additional options and return its call."""
    from aurashot import AuraShot, RetryPolicy

    client = AuraShot(KEY, base_url=url, timeout=TIMEOUT, retry=RetryPolicy(max_attempts=1), **options)
    return lambda: client.generate(PROMPT, face=FACE)


def _httpx_like(module: str) -> Callable[[str], BlockingCall]:
    def driver(url: str) -> BlockingCall:
        client = import_module(module).Client(timeout=TIMEOUT, headers=HEADERS)
        return lambda: client.post(url + PATH, json=BODY).json()

    return driver


def _openai(url: str) -> BlockingCall:
    module: Any = import_module("openai")
    client = module.OpenAI(api_key=KEY, base_url=f"{url}/openai", max_retries=0, timeout=TIMEOUT)
    return lambda: client.images.generate(model="gpt-image-1", prompt=PROMPT)


def _runwayml(url: str) -> BlockingCall:
    module: Any = import_module("runwayml")
    client = module.RunwayML(api_key=KEY, base_url=f"{url}/runway", max_retries=0, timeout=TIMEOUT)
    reference = {"uri": FACE, "tag": "face"}
    return lambda: client.text_to_image.create(
        model="gen4_image", prompt_text=PROMPT, ratio="1024:1024", reference_images=[reference]
    )


def _replicate(url: str) -> BlockingCall:
    httpx, module = import_module("httpx"), import_module("replicate")
    client = module.Client(KEY, base_url=f"{url}/replicate", timeout=httpx.Timeout(TIMEOUT))
    return lambda: client.run("owner/model", input={"prompt": PROMPT, "image": FACE})


def _fal(url: str) -> BlockingCall:
    client = fal_module(url).SyncClient(key=KEY)
    return lambda: client.run("model", {"prompt": PROMPT, "image_url": FACE}, timeout=TIMEOUT)


def fal_module(url: str) -> Any:
    """Return the module of fal-client with patched constants; it has no options for the base URL and the retries."""
    module: Any = import_module("fal_client.client")
    module.RUN_URL_FORMAT = f"{url}/fal/"
    module.REST_URL = module.CDN_URL = f"{url}/fal"
    module.MAX_ATTEMPTS = 1
    return module


CALLS: Final[dict[str, Callable[[str], BlockingCall]]] = {
    "httpx": _httpx_like("httpx"),
    "httpx2": _httpx_like("httpx2"),
    "aurashot": aurashot,
    "replicate": _replicate,
    "fal-client": _fal,
    "openai": _openai,
    "runwayml": _runwayml,
}
MEASURED_CALLS: Final = {
    "httpx": "`Client.post(json=…).json()`",
    "httpx2": "`Client.post(json=…).json()`",
    "aiohttp": "`ClientSession.post(json=…)`, then `json()`",
    "httpx-aiohttp": "`HttpxAiohttpClient.post(json=…).json()`",
    "aurashot": "`AuraShot.generate(prompt, face=…)`",
    "aurashot on httpx-aiohttp": "`AsyncAuraShot(http_client=HttpxAiohttpClient()).generate(prompt, face=…)`",
    "replicate": "`Client.run(model, input=…)`, which waits for the prediction",
    "fal-client": "`SyncClient.run(application, arguments)`; base URL and attempts by patched constants",
    "openai": "`OpenAI.images.generate(model=…, prompt=…)`",
    "runwayml": "`RunwayML.text_to_image.create(…)`, which returns a task, not an image",
}
"""The measured call of each client."""
