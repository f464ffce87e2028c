"""What the tools work with while a server runs: the folder, the ledger, the client, and the calls under way."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from aurashot import AsyncAuraShot
from aurashot._reasons import reason_of
from aurashot.characters import AsyncCharacterLibrary
from aurashot.errors import ConfigurationError, InputError, LedgerError
from aurashot.ledger import SQLiteLedger
from aurashot.mcp._calls import PaidCalls
from aurashot.mcp._files import IMAGES, Files, uri_of
from aurashot.mcp._previews import Previews
from aurashot.mcp._spend import Spend, spend_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from aurashot.characters import Character
    from aurashot.mcp._settings import ServerSettings
    from aurashot.models import Generation

_FILE_NOTE = "file"
"""The note of a ledger entry that says where its image is, relative to the server's folder."""


class Workspace:
    """What one server works with.

    Args:
        settings: Its settings.

    Raises:
        ConfigurationError: A folder cannot be used.
        LedgerError: The ledger cannot be used.
    """

    def __init__(self, settings: ServerSettings) -> None:
        folder = settings.folder.expanduser()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"folder: '{folder}' cannot be made ({reason_of(error)}); name another folder"
            ) from error
        self.settings = settings
        self.files = Files(folder, settings.roots)
        self.library = AsyncCharacterLibrary(self.files.folder, require_consent=settings.require_consent)
        self.ledger = SQLiteLedger(settings.ledger_path, cap=settings.cap)
        self.previews = Previews(wanted=settings.previews)
        self._started_at = datetime.now(UTC)
        self._client: AsyncAuraShot | None = None
        self._calls: PaidCalls | None = None

    @property
    def calls(self) -> PaidCalls:
        """The paid calls; only while the server runs."""
        assert self._calls is not None, "the server is not running"  # noqa: S101  # a bug of ours, no input
        return self._calls

    @property
    def client(self) -> AsyncAuraShot:
        """The client, made when a tool needs it: a user may store the key while the server runs.

        Raises:
            ConfigurationError: There is no key, or another setting of the environment is invalid.
        """
        if self._client is None:
            self._client = AsyncAuraShot(ledger=self.ledger, allow_paths=False)
        return self._client

    def client_for(self, identity: str, tags: Mapping[str, str]) -> AsyncAuraShot:
        """Return a client whose ledger entries say which call they belong to."""
        return self.client.with_options(parent_id=identity, tags=tags)

    async def spend(self) -> Spend:
        """Return what was spent in the period of the cap.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        return await to_thread.run_sync(spend_of, self.ledger, self.settings.per, self._started_at)

    async def stored(self, key: str) -> str | None:
        """Return where the image of a call was stored, relative to the folder, if it is still there and whole."""
        for entry in reversed(await self.calls.entries(key)):
            path = entry.notes.get(_FILE_NOTE)
            if entry.payment == "paid" and isinstance(path, str) and await self._holds(path):
                return path
        return None

    async def _holds(self, path: str) -> bool:
        try:
            content = await to_thread.run_sync(self.files.read, "image", uri_of(path))
            await self.previews.examine(content)
        except InputError:
            return False
        return True

    async def store(self, generation: Generation, character: Character | None, key: str, description: str = "") -> str:
        """Download an image, whole or not at all, and return where it is, relative to the folder.

        Args:
            generation: The response that it came with.
            character: In whose gallery it is filed; None for the folder `images`.
            key: The key of the call, whose ledger entry gets a note.
            description: What the image shows, as it was asked for; the file in a gallery is named after it.

        Raises:
            DownloadError: It could not be downloaded.
            LibraryError: It could not be stored.
        """
        if character is not None:
            saved = await self.library.save(character, generation, client=self.client, description=description)
            path = saved.path
        else:
            folder = await to_thread.run_sync(self._images_folder)
            path = f"{IMAGES}/{(await self.client.download(generation, folder)).name}"
        with suppress(LedgerError):  # the image is there; a repeated call downloads it again
            await to_thread.run_sync(self._note, key, path)
        return path

    def _images_folder(self) -> str:
        folder = self.files.path(IMAGES)
        folder.mkdir(exist_ok=True)
        if folder.resolve() != folder:
            raise ConfigurationError(f"folder: '{folder}' is a link to elsewhere; replace it by a folder")
        return str(folder)

    def _note(self, key: str, path: str) -> None:
        for entry in self.ledger.find(key=key):
            if entry.payment == "paid":
                self.ledger.annotate(entry, {_FILE_NOTE: path})

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Workspace]:
        """Run paid calls until the block ends, then give those under way a moment to end."""
        try:
            async with anyio.create_task_group() as tasks:
                self._calls = PaidCalls(self.ledger, tasks, self.settings.answer_within)
                try:
                    yield self
                finally:
                    await self.end()
        finally:
            self.ledger.close()

    async def end(self) -> None:
        """Wait for the calls under way, for the seconds of grace at most, and record what is known of them."""
        until = anyio.current_time() + self.settings.grace
        with anyio.CancelScope(shield=True):
            if self._calls is not None:
                await self._calls.finish(self.settings.grace)
            if self._client is not None:  # what was cancelled goes on there, until its response is recorded
                await self._client.aclose(grace=max(0.0, until - anyio.current_time()))
