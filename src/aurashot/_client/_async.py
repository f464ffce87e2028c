"""The async client."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self

from aurashot._client import _setup as setup
from aurashot._flows import character as flows
from aurashot._operations import Labels
from aurashot._rate_limit import check_rate_limiter
from aurashot._transport._async import AsyncConnections, AsyncTransport

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    import httpx

    from aurashot._calls import Progress
    from aurashot._client._async_legacy import AsyncLegacy
    from aurashot._flows.pictures import Picture
    from aurashot._rate_limit import AsyncRateLimiter
    from aurashot._retry import RetryPolicy
    from aurashot.images import ImageInput
    from aurashot.instrumentation import Hook
    from aurashot.ledger import Ledger
    from aurashot.models import Generation, Upload


class AsyncAuraShot:
    """The AuraShot API, async, on asyncio and trio.

    One client is meant to be shared, between tasks, and kept for as long as it is used: it holds the connections
    and remembers what it has uploaded. Close it with `aclose`, or use it in an `async with` statement.

    Args:
        api_key: The key; otherwise `AURASHOT_API_KEY`, `AURASHOT_STUDIO_KEY`, or a `.aurashot.env` file from the
            working directory upward or in the home directory.
        base_url: Where the service is; otherwise `AURASHOT_BASE_URL`, or the hosted service. Plain http is for
            loopback only.
        timeout: Seconds that one call may take in all: uploads, waits and retries included.
        retry: What is sent again. By default nothing that may have been billed.
        max_connections: Connections at most; further calls wait in order.
        http_client: An httpx client of your own to send the API's requests with (downloads keep to a client without
            a key). It is not closed here.
        ledger: Where every billed call is recorded before it is sent, and what became of it after: see
            `aurashot.ledger`. A call that cannot be recorded is not sent. It is not closed here.
        rate_limiter: Asked before every request of the API whether it may be sent now.
        hooks: Called with an event record when an operation or one of its requests starts, succeeds or fails.
        strip_metadata: Whether a local photo is turned upright and freed of location and other metadata before it
            leaves the machine: by default whenever the extra `images` is installed; True insists on it.

    Raises:
        ConfigurationError: There is no key, or an argument cannot work.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = setup.DEFAULT_TIMEOUT,
        retry: RetryPolicy | None = None,
        max_connections: int = setup.DEFAULT_MAX_CONNECTIONS,
        http_client: httpx.AsyncClient | None = None,
        ledger: Ledger | None = None,
        rate_limiter: AsyncRateLimiter | None = None,
        hooks: Iterable[Hook] = (),
        strip_metadata: bool | None = None,
    ) -> None:
        setup.check_ledger(ledger)
        check_rate_limiter(rate_limiter, "AsyncRateLimiter")
        setup.check_http_client(http_client, "AsyncClient")
        service = setup.service(api_key, base_url, max_connections)
        self._rules = setup.rules(service, strip_metadata=strip_metadata)
        self._transport = AsyncTransport(
            AsyncConnections(service, http_client, ledger, rate_limiter), setup.options(timeout, retry, hooks)
        )
        self._owner = True

    async def id_photo(
        self,
        face: ImageInput,
        *,
        prompt: str | None = None,
        wait_for_result: bool | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        pay_once: bool = True,
    ) -> Generation:
        """Make the identity anchor of a person: one sheet with front, left 45°, right 45° and smiling. Billed.

        Pass the result as `face=` to every later call, so that the person stays the same.

        Args:
            face: One photo with one face.
            prompt: A style, for an anime character for instance.
            wait_for_result: The service's own `waitForResult`; left out of the request unless given.
            timeout: Seconds for this call in all, instead of the client's.
            idempotency_key: Sent as `Idempotency-Key` instead of a fresh one. With a ledger, it is paid for once: what
                was paid under it is returned, and nothing is sent.
            tags: Words to find the call by in the ledger, such as `{"user": "alice"}`; they stay on this machine.
            pay_once: False sends the request even if the ledger knows the key.

        Raises:
            InputError: An argument is not usable; nothing was sent.
            UnresolvedError: The key is under way, or what became of it is not known; nothing was sent.
            AuraShotError: Anything else; `outcome` and `may_be_charged` say what it cost.
        """
        flow = flows.id_photo(
            self._rules,
            face,
            prompt=prompt,
            wait_for_result=wait_for_result,
        )
        return await self._transport.run("id_photo", flow, Labels(idempotency_key, tags, pay_once), timeout)

    async def generate(
        self,
        prompt: str,
        *,
        face: ImageInput,
        clothes: ImageInput | None = None,
        scene: ImageInput | None = None,
        wait_for_result: bool | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        pay_once: bool = True,
    ) -> Generation:
        """Draw the person of the face reference in a new scene. Billed.

        Args:
            prompt: What the picture shows, in any language.
            face: The face reference: the anchor from `id_photo`, or a photo.
            clothes: A picture of what the person wears.
            scene: A picture of where the person is.
            wait_for_result: The service's own `waitForResult`; left out of the request unless given.
            timeout: Seconds for this call in all, instead of the client's.
            idempotency_key: Sent as `Idempotency-Key` instead of a fresh one. With a ledger, it is paid for once: what
                was paid under it is returned, and nothing is sent.
            tags: Words to find the call by in the ledger, such as `{"user": "alice"}`; they stay on this machine.
            pay_once: False sends the request even if the ledger knows the key.

        Raises:
            InputError: An argument is not usable; nothing was sent.
            UnresolvedError: The key is under way, or what became of it is not known; nothing was sent.
            AuraShotError: Anything else; `outcome` and `may_be_charged` say what it cost.
        """
        flow = flows.generate(
            self._rules,
            prompt,
            face=face,
            clothes=clothes,
            scene=scene,
            wait_for_result=wait_for_result,
        )
        return await self._transport.run("generate", flow, Labels(idempotency_key, tags, pay_once), timeout)

    async def edit(
        self,
        prompt: str,
        *,
        target: ImageInput,
        face: ImageInput | None = None,
        wait_for_result: bool | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        pay_once: bool = True,
    ) -> Generation:
        """Change a picture, and keep its person. Billed.

        Args:
            prompt: What is to change, in any language.
            target: The picture to change.
            face: The identity lock: the face reference that the person has to match.
            wait_for_result: The service's own `waitForResult`; left out of the request unless given.
            timeout: Seconds for this call in all, instead of the client's.
            idempotency_key: Sent as `Idempotency-Key` instead of a fresh one. With a ledger, it is paid for once: what
                was paid under it is returned, and nothing is sent.
            tags: Words to find the call by in the ledger, such as `{"user": "alice"}`; they stay on this machine.
            pay_once: False sends the request even if the ledger knows the key.

        Raises:
            InputError: An argument is not usable; nothing was sent.
            UnresolvedError: The key is under way, or what became of it is not known; nothing was sent.
            AuraShotError: Anything else; `outcome` and `may_be_charged` say what it cost.
        """
        flow = flows.edit(
            self._rules,
            prompt,
            target=target,
            face=face,
            wait_for_result=wait_for_result,
        )
        return await self._transport.run("edit", flow, Labels(idempotency_key, tags, pay_once), timeout)

    async def upload(self, image: ImageInput, *, timeout: float | None = None) -> Upload:
        """Put a local picture where the service can see it. Free.

        The calls above do this by themselves. The same content is uploaded once per client; a remote address is
        returned as it is.

        Args:
            image: Any form of image that the calls above take.
            timeout: Seconds for this call in all, instead of the client's.

        Raises:
            InputError: The image is not usable; nothing was sent.
            AuraShotError: Anything else.
        """
        return await self._transport.run("upload", flows.upload(self._rules, image), timeout=timeout)

    async def download(
        self,
        what: Picture,
        to: str | os.PathLike[str],
        *,
        progress: Progress | None = None,
        timeout: float | None = None,
    ) -> Path:
        """Save a picture, whole or not at all, and return where it is.

        Args:
            what: A generation (its first picture), an output, an upload, or an address.
            to: The file, which is replaced if it exists; or a folder, where the name comes from the request's
                identifier and nothing is replaced.
            progress: Called with the bytes so far, and the bytes in all where they are known.
            timeout: Seconds for this call in all, instead of the client's.

        Raises:
            InputError: There is nothing to download, or its address is not safe.
            DownloadError: The picture could not be fetched, or is not a whole image; nothing is left behind.
        """
        from aurashot._flows import pictures

        return await self._transport.run(
            "download", pictures.download(self._rules, what, to, progress=progress), timeout=timeout
        )

    async def read(self, what: Picture, *, progress: Progress | None = None, timeout: float | None = None) -> bytes:
        """Return a picture's bytes.

        Args:
            what: A generation (its first picture), an output, an upload, or an address.
            progress: Called with the bytes so far, and the bytes in all where they are known.
            timeout: Seconds for this call in all, instead of the client's.

        Raises:
            InputError: There is nothing to read, or its address is not safe.
            DownloadError: The picture could not be fetched, or is not a whole image.
        """
        from aurashot._flows import pictures

        return await self._transport.run("read", pictures.read(self._rules, what, progress=progress), timeout=timeout)

    @cached_property
    def legacy(self) -> AsyncLegacy:
        """The workflows that the service keeps for older integrations."""
        from aurashot._client._async_legacy import AsyncLegacy

        return AsyncLegacy(self._transport, self._rules)

    def with_options(
        self,
        *,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
        hooks: Iterable[Hook] | None = None,
        parent_id: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Self:
        """Return a view of this client with other options; what is not given stays as it is.

        It shares the connections and the memory of uploads, and ends with the client that it came from.

        Args:
            timeout: Seconds that one call may take in all.
            retry: What is sent again.
            hooks: Called with event records, instead of this client's hooks.
            parent_id: What the view's operations are part of: a batch, a story, a request of your own backend. It is
                in their events and ledger entries.
            tags: Tags of every billed call, beside those of the call itself.

        Raises:
            ConfigurationError: An argument cannot work.
        """
        view = object.__new__(type(self))
        view._rules = self._rules  # a view is another one of these
        options = setup.changed(
            self._transport.options, timeout=timeout, retry=retry, hooks=hooks, parent_id=parent_id, tags=tags
        )
        view._transport = AsyncTransport(self._transport.connections, options)  # a view is another one of these
        view._owner = False  # a view is another one of these
        return view

    async def aclose(self) -> None:
        """Close the connections; a view made by `with_options` leaves them to the client that it came from."""
        if self._owner:
            await self._transport.connections.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        service = self._transport.connections.client.service
        return f"{type(self).__name__}(base_url={service.base_url!r}, api_key={service.key!r})"
