# Written by scripts/sync-client from _async_calls.py: change that file, and run it again.
"""The operations of the blocking client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from aurashot._client import _setup as setup
from aurashot._flows import character as flows
from aurashot._operations import Labels

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

    from aurashot._calls import Progress
    from aurashot._flows.images import Image
    from aurashot._transport._sync import Transport
    from aurashot.characters import Character, GalleryImage
    from aurashot.identity import Calibration, Comparison, FaceModel, IdentityPolicy, ReferenceInput
    from aurashot.images import ImageInput, ImageRules, Preview
    from aurashot.models import Generation, Upload


class Calls:
    """What the blocking client offers, apart from its options and its end."""

    _rules: ImageRules
    _transport: Transport
    _identity: IdentityPolicy | None = None

    def id_photo(
        self,
        face: ImageInput,
        *,
        prompt: str | None = None,
        wait_for_result: bool | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        pay_once: bool = True,
        identity: IdentityPolicy | Literal[False] | None = None,
    ) -> Generation:
        """Make the identity anchor of a person: one image with front, left 45°, right 45° and smiling views. Billed.

        Pass the result as `face=` to every later call, so that the person stays the same.

        Args:
            face: One photo with one face.
            prompt: A style, for example for an anime character.
            wait_for_result: Sent as `waitForResult`: True asks the service to respond when the image is done. With
                False, the response may be pending, and there is no way to fetch the image later. Default: not sent.
            timeout: Seconds that this call may take in total, instead of the client's timeout.
            idempotency_key: Sent as `Idempotency-Key` instead of a generated key. With a ledger, a key pays once: if
                it was paid already, the stored result is returned and nothing is sent.
            tags: Labels for finding the call in the ledger, such as `{"user": "alice"}`; not sent to the service.
            pay_once: If False, the request is sent even if the ledger has an entry for the key.
            identity: Compare each image with the face, and generate it again if it is not accepted, within the limits
                of the policy; needs the extra `identity`. False switches the client's policy off. Default: the
                client's.

        Raises:
            InputError: An argument is invalid; nothing was sent.
            IdentityDriftError: No image was accepted; all are paid for, and in `delivered`.
            UnresolvedError: A request with this key is in progress, or its outcome is unknown; nothing was sent.
            AuraShotError: Any other failure; see `outcome` and `may_be_charged`.
        """
        policy = self._policy(identity)
        flow = flows.id_photo(self._rules, face, prompt=prompt, wait_for_result=wait_for_result, identity=policy)
        return self._transport.run("id_photo", flow, Labels(idempotency_key, tags, pay_once), timeout)

    def generate(
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
        identity: IdentityPolicy | Literal[False] | None = None,
    ) -> Generation:
        """Generate an image of the person in a new scene. Billed.

        Args:
            prompt: What the image should show, in any language.
            face: The face reference: the anchor from `id_photo`, or a photo.
            clothes: An image of the clothes that the person wears.
            scene: An image of the place where the person is.
            wait_for_result: Sent as `waitForResult`: True asks the service to respond when the image is done. With
                False, the response may be pending, and there is no way to fetch the image later. Default: not sent.
            timeout: Seconds that this call may take in total, instead of the client's timeout.
            idempotency_key: Sent as `Idempotency-Key` instead of a generated key. With a ledger, a key pays once: if
                it was paid already, the stored result is returned and nothing is sent.
            tags: Labels for finding the call in the ledger, such as `{"user": "alice"}`; not sent to the service.
            pay_once: If False, the request is sent even if the ledger has an entry for the key.
            identity: Compare each image with the face, and generate it again if it is not accepted, within the limits
                of the policy; needs the extra `identity`. False switches the client's policy off. Default: the
                client's.

        Raises:
            InputError: An argument is invalid; nothing was sent.
            IdentityDriftError: No image was accepted; all are paid for, and in `delivered`.
            UnresolvedError: A request with this key is in progress, or its outcome is unknown; nothing was sent.
            AuraShotError: Any other failure; see `outcome` and `may_be_charged`.
        """
        flow = flows.generate(
            self._rules,
            prompt,
            face=face,
            clothes=clothes,
            scene=scene,
            wait_for_result=wait_for_result,
            identity=self._policy(identity),
        )
        return self._transport.run("generate", flow, Labels(idempotency_key, tags, pay_once), timeout)

    def edit(
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
        identity: IdentityPolicy | Literal[False] | None = None,
    ) -> Generation:
        """Edit an image and keep its person. Billed.

        Args:
            prompt: What to change, in any language.
            target: The image to edit.
            face: The face reference that the person must match (identity lock).
            wait_for_result: Sent as `waitForResult`: True asks the service to respond when the image is done. With
                False, the response may be pending, and there is no way to fetch the image later. Default: not sent.
            timeout: Seconds that this call may take in total, instead of the client's timeout.
            idempotency_key: Sent as `Idempotency-Key` instead of a generated key. With a ledger, a key pays once: if
                it was paid already, the stored result is returned and nothing is sent.
            tags: Labels for finding the call in the ledger, such as `{"user": "alice"}`; not sent to the service.
            pay_once: If False, the request is sent even if the ledger has an entry for the key.
            identity: Compare each image with the face, and generate it again if it is not accepted, within the limits
                of the policy; needs the extra `identity`. False switches the client's policy off. Default: the
                client's.

        Raises:
            InputError: An argument is invalid; nothing was sent.
            IdentityDriftError: No image was accepted; all are paid for, and in `delivered`.
            UnresolvedError: A request with this key is in progress, or its outcome is unknown; nothing was sent.
            AuraShotError: Any other failure; see `outcome` and `may_be_charged`.
        """
        policy = self._policy(identity)
        flow = flows.edit(
            self._rules, prompt, target=target, face=face, wait_for_result=wait_for_result, identity=policy
        )
        return self._transport.run("edit", flow, Labels(idempotency_key, tags, pay_once), timeout)

    def compare(
        self,
        reference: ReferenceInput | Generation,
        image: ImageInput,
        *,
        strict: bool = False,
        calibration: Calibration | None = None,
        paste_guard: bool = True,
        model: FaceModel | None = None,
        timeout: float | None = None,
    ) -> Comparison:
        """Compare the face in an image with a reference, on your machine; what is remote is downloaded. Free.

        Args:
            reference: The person: an image, several of them, or a `FaceReference` that was prepared once.
            image: A generation (its first image), a URL, a file, bytes, …
            strict: Whether "same" needs a cosine of 0.60 rather than 0.50.
            calibration: The person's own line instead.
            paste_guard: Whether to look for pixels that were copied from the reference. Leave it out for edits.
            model: The engine; YuNet and SFace by default.
            timeout: Seconds that this call may take in total, instead of the client's timeout.

        Raises:
            InputError: An image is invalid.
            DownloadError: An image could not be downloaded.
            ConfigurationError: The extra `identity` or a model file is missing.
            FaceEngineError: The engine failed.
        """
        from aurashot._flows import identity

        flow = identity.compare(
            self._rules,
            reference,
            image,
            strict=strict,
            calibration=calibration,
            paste_guard=paste_guard,
            model=model,
        )
        return self._transport.run("compare", flow, timeout=timeout)

    def upload(self, image: ImageInput, *, timeout: float | None = None) -> Upload:
        """Upload a local image and return its URL. Free.

        The other methods upload local images by themselves. Each client uploads the same content once; a remote URL is
        returned unchanged.

        Args:
            image: Any image that the other methods accept.
            timeout: Seconds that this call may take in total, instead of the client's timeout.

        Raises:
            InputError: The image is invalid; nothing was sent.
            AuraShotError: Any other failure.
        """
        return self._transport.run("upload", flows.upload(self._rules, image), timeout=timeout)

    @overload
    def download(
        self,
        what: Image,
        to: str | os.PathLike[str],
        *,
        progress: Progress | None = None,
        timeout: float | None = None,
    ) -> Path: ...

    @overload
    def download(
        self, what: Image, to: Character, *, progress: Progress | None = None, timeout: float | None = None
    ) -> GalleryImage: ...

    def download(
        self,
        what: Image,
        to: str | os.PathLike[str] | Character,
        *,
        progress: Progress | None = None,
        timeout: float | None = None,
    ) -> Path | GalleryImage:
        """Download an image to a file, atomically, and return the path; or into a character's gallery.

        Args:
            what: A generation (its first image), an output, an upload, or a URL.
            to: A file, which is replaced if it exists; or a folder, in which the file is named after the request id
                and no file is replaced; or a character of a library, in whose gallery the file is named after the
                prompt, with the facts about it beside it. `CharacterLibrary.save` does the same, with more arguments.
            progress: Called with the bytes received so far, and the total if it is known.
            timeout: Seconds that this call may take in total, instead of the client's timeout.

        Raises:
            InputError: There is nothing to download, or its URL is not safe.
            DownloadError: The image could not be downloaded, or is not a complete image; no file is left behind.
            LibraryError: The library cannot be written.
        """
        from aurashot._flows import images

        flow = images.save(self._rules, what, to, progress=progress)
        return self._transport.run("download", flow, timeout=timeout)

    def read(self, what: Image, *, progress: Progress | None = None, timeout: float | None = None) -> bytes:
        """Download an image and return its bytes.

        Args:
            what: A generation (its first image), an output, an upload, or a URL.
            progress: Called with the bytes received so far, and the total if it is known.
            timeout: Seconds that this call may take in total, instead of the client's timeout.

        Raises:
            InputError: There is nothing to read, or its URL is not safe.
            DownloadError: The image could not be downloaded, or is not a complete image.
        """
        from aurashot._flows import images

        return self._transport.run("read", images.read(self._rules, what, progress=progress), timeout=timeout)

    def show(self, what: Image | Character, *, timeout: float | None = None) -> Preview:
        """Return an image to look at in a notebook: a small version, with its prompt, face check and cost.

        A generation that was downloaded by this process is read from its file; anything else is downloaded now, which
        is free, and not stored. Of a character, it is the ID photo, from its library. The small version needs the extra
        `images`; without it, images of up to 512 KiB are shown as they are.

        Args:
            what: A generation (its first image), an output, an upload, a URL, or a character of a library.
            timeout: Seconds that this call may take in total, instead of the client's timeout.

        Raises:
            InputError: There is nothing to show, or its URL is not safe.
            DownloadError: The image could not be downloaded, or is not a complete image.
            LibraryError: The image of the character cannot be read.
        """
        from aurashot._flows import images

        return self._transport.run("show", images.show(self._rules, what), timeout=timeout)

    def _policy(self, given: IdentityPolicy | Literal[False] | None) -> IdentityPolicy | None:
        """Return the policy of a call."""
        return self._identity if given is None else setup.identity_policy(given)
