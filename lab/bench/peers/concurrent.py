"""One image call, async."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lab.bench.peers import BODY, FACE, HEADERS, KEY, PATH, PROMPT, TIMEOUT
from lab.bench.peers.blocking import fal_module

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

AsyncCall: TypeAlias = "Callable[[], Awaitable[object]]"
Driver: TypeAlias = "Callable[[str], AbstractAsyncContextManager[AsyncCall]]"


@asynccontextmanager
async def aurashot(url: str, **options: Any) -> AsyncGenerator[AsyncCall]:
    """Create an aurashot client with additional options and yield its call."""
    from aurashot import AsyncAuraShot, RetryPolicy

    once = RetryPolicy(max_attempts=1)
    async with AsyncAuraShot(KEY, base_url=url, timeout=TIMEOUT, retry=once, **options) as client:
        yield lambda: client.generate(PROMPT, face=FACE)


@asynccontextmanager
async def _aurashot_on_aiohttp(url: str) -> AsyncGenerator[AsyncCall]:
    async with import_module("httpx_aiohttp").HttpxAiohttpClient() as given, aurashot(url, http_client=given) as call:
        yield call


def _httpx_like(module: str, name: str) -> Driver:
    @asynccontextmanager
    async def driver(url: str) -> AsyncGenerator[AsyncCall]:
        async with getattr(import_module(module), name)(timeout=TIMEOUT, headers=HEADERS) as client:

            async def call() -> object:
                return (await client.post(url + PATH, json=BODY)).json()

            yield call

    return driver


@asynccontextmanager
async def _aiohttp(url: str) -> AsyncGenerator[AsyncCall]:
    module: Any = import_module("aiohttp")
    async with module.ClientSession(timeout=module.ClientTimeout(TIMEOUT), headers=HEADERS) as session:

        async def call() -> object:
            async with session.post(url + PATH, json=BODY) as response:
                return await response.json()

        yield call


@asynccontextmanager
async def _openai(url: str) -> AsyncGenerator[AsyncCall]:
    module: Any = import_module("openai")
    async with module.AsyncOpenAI(api_key=KEY, base_url=f"{url}/openai", max_retries=0, timeout=TIMEOUT) as client:
        yield lambda: client.images.generate(model="gpt-image-1", prompt=PROMPT)


@asynccontextmanager
async def _runwayml(url: str) -> AsyncGenerator[AsyncCall]:
    module: Any = import_module("runwayml")
    reference = {"uri": FACE, "tag": "face"}
    async with module.AsyncRunwayML(api_key=KEY, base_url=f"{url}/runway", max_retries=0, timeout=TIMEOUT) as client:
        yield lambda: client.text_to_image.create(
            model="gen4_image", prompt_text=PROMPT, ratio="1024:1024", reference_images=[reference]
        )


@asynccontextmanager
async def _replicate(url: str) -> AsyncGenerator[AsyncCall]:
    httpx, module = import_module("httpx"), import_module("replicate")
    client = module.Client(KEY, base_url=f"{url}/replicate", timeout=httpx.Timeout(TIMEOUT))
    yield lambda: client.async_run("owner/model", input={"prompt": PROMPT, "image": FACE})


@asynccontextmanager
async def _fal(url: str) -> AsyncGenerator[AsyncCall]:
    client = fal_module(url).AsyncClient(key=KEY)
    yield lambda: client.run("model", {"prompt": PROMPT, "image_url": FACE}, timeout=TIMEOUT)


CALLS: Final[dict[str, Driver]] = {
    "httpx": _httpx_like("httpx", "AsyncClient"),
    "httpx2": _httpx_like("httpx2", "AsyncClient"),
    "aiohttp": _aiohttp,
    "aurashot": aurashot,
    "httpx-aiohttp": _httpx_like("httpx_aiohttp", "HttpxAiohttpClient"),
    "aurashot on httpx-aiohttp": _aurashot_on_aiohttp,
    "replicate": _replicate,
    "fal-client": _fal,
    "openai": _openai,
    "runwayml": _runwayml,
}
