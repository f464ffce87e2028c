"""A person that images are made of, kept as an object."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Self, TypeAlias
from uuid import uuid4

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, JsonValue, PrivateAttr

from aurashot.characters._consent import check_consent
from aurashot.characters._names import folder_of
from aurashot.errors import LibraryError
from aurashot.images import EXTENSIONS, sniff
from aurashot.images._expiry import expires_at
from aurashot.models import WireModel

if TYPE_CHECKING:
    from aurashot.characters._library import CharacterLibrary
    from aurashot.characters._store import Store
    from aurashot.identity import Calibration, Confidence

Kind: TypeAlias = Literal["real", "virtual"]
"""Whether a character is a real person."""

PROMPT: Final = "{prompt}"
"""What stands for the scene in a prompt template."""
PROMPT_TEMPLATE: Final = (
    "{prompt}. Keep the face of the reference image exactly; do not change age, hairline or facial features."
)
"""The prompt template of a character that has no other.

It locks the identity without describing the face: a description competes with the reference image.
"""


def _with_prompt(template: str) -> str:
    if PROMPT not in template:
        raise ValueError(f"the prompt template has no {PROMPT} in it")
    return template


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


_SOON: Final = timedelta(minutes=2)
"""A URL that expires so soon is not sent any more: a generation takes its time."""
Moment: TypeAlias = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A time with its time zone, kept in UTC."""


class StoredImage(WireModel):
    """An image in the folder of a character."""

    path: str
    """Relative to the character's folder, with `/` between its parts: `profile/id-photo.png`."""
    media_type: str
    sha256: str | None = None
    """Hexadecimal; None in a list, for an image that another tool has written: `library.get` computes it."""
    size: int | None = None
    """In bytes; None as for `sha256`."""
    url: str | None = None
    """Where the service has this image; it may have expired."""
    url_since: Moment | None = None

    @classmethod
    def of(cls, path: str, content: bytes, *, url: str | None = None, url_since: datetime | None = None) -> StoredImage:
        """Describe an image by its bytes."""
        media_type = sniff(content) or media_type_of(path)
        digest = hashlib.sha256(content).hexdigest()
        return cls(path=path, media_type=media_type, sha256=digest, size=len(content), url=url, url_since=url_since)


def media_type_of(path: str) -> str:
    """Return the media type that the extension of a file's name promises."""
    ending = f".{path.rpartition('.')[2].lower()}"
    return _MEDIA_TYPES.get(ending, "application/octet-stream")


_MEDIA_TYPES: Final = {ending: media_type for media_type, ending in EXTENSIONS.items()} | {
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
}


class Consent(WireModel):
    """A note that a real person agreed, bound to the face that it is for."""

    who: str = Field(min_length=1)
    """Who agreed: a name, or a number in your own records."""
    purpose: str = Field(min_length=1)
    """What they agreed to."""
    when: Moment = Field(default_factory=lambda: datetime.now(UTC))
    evidence_sha256: str | None = None
    """The digest of what proves it, such as a signed form."""
    face_sha256: str | None = None
    """The digest of the face reference that it is for. The library fills it in when it stores the character."""


class CalibrationNote(WireModel):
    """A person's own lines of comparison: plain numbers, and no vectors of the face."""

    same: float
    """The lowest cosine that is called the same person."""
    different: float
    """Below this cosine, it is called another person."""
    engine: str
    """The engine that the numbers are for."""
    expected: float | None = None
    """The cosine below which one in twenty images of this person is expected."""
    confidence: Literal["low", "medium", "high"] = "low"

    @classmethod
    def of(cls, calibration: Calibration) -> CalibrationNote:
        """Note the numbers of a calibration."""
        return cls(
            same=calibration.same,
            different=calibration.different,
            engine=calibration.engine,
            expected=calibration.expected,
            confidence=calibration.confidence,
        )

    def calibration(self) -> Calibration:
        """Return what `compare(…, calibration=)` takes.

        Raises:
            ConfigurationError: The extra `identity` is missing.
        """
        from aurashot.identity import Calibration

        confidence: Confidence = self.confidence
        return Calibration(
            same=self.same,
            different=self.different,
            expected=self.same if self.expected is None else self.expected,
            cosines=(),
            strangers=(),
            confidence=confidence,
            engine=self.engine,
        )


class Origin:
    """Where a character was loaded from: the store, and the library if it is known.

    It is neither copied nor pickled nor compared: what arrives elsewhere is a character without its library.
    """

    __slots__ = ("library", "store")

    def __init__(self, store: Store | None = None, library: CharacterLibrary | None = None) -> None:
        self.store: Store | None = store
        self.library: CharacterLibrary | None = library

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origin)

    def __hash__(self) -> int:
        return hash(Origin)

    def __deepcopy__(self, _: object) -> Origin:
        return self

    def __reduce__(self) -> tuple[type[Origin], tuple[()]]:
        """Leave the library behind."""
        return Origin, ()


class Character(WireModel):
    """A person that images are made of: inert, frozen and serialisable, with the place and the digest of each image.

    `model_dump_json()` and `model_validate_json()` take it to a database of your own and back. There are no bytes of an
    image in it, and no vectors of a face.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(loc_by_alias=False)

    name: str
    """What it is called."""
    slug: str
    """The name of its folder, which identifies it in its library."""
    kind: Kind = "real"
    """Whether it is a real person; anything that is not known to be virtual counts as real."""
    description: str = ""
    """For you and for your program; it is sent nowhere."""
    anchor: StoredImage | None = None
    """The ID photo, made from the face reference."""
    face: StoredImage | None = None
    """The face reference: the photo that the ID photo was made from."""
    styles: tuple[str, ...] = ()
    """The preferred styles."""
    scenes: tuple[str, ...] = ()
    """The preferred scenes."""
    prompt_template: Annotated[str, AfterValidator(_with_prompt)] = PROMPT_TEMPLATE
    """What `prompt` writes around a scene; it has `{prompt}` in it."""
    created_at: Moment | None = None
    """None if another tool has written no time."""
    consent: Consent | None = None
    calibration: CalibrationNote | None = None
    id: str = Field(default_factory=lambda: str(uuid4()))
    """Stays the same when the character is renamed."""
    extra: dict[str, JsonValue] = Field(default_factory=dict)
    """What other tools have written into `character.json`."""

    _origin: Origin = PrivateAttr(default_factory=Origin)

    def prompt(self, text: str) -> str:
        """Return the prompt for a scene: the template with the text in it."""
        is_sentence = f"{PROMPT}." in self.prompt_template
        return self.prompt_template.replace(PROMPT, text.rstrip(" .") if is_sentence else text)

    @property
    def reference(self) -> StoredImage | None:
        """The image to pass as the face: the anchor, or the face reference while there is no anchor."""
        return self.anchor or self.face

    @property
    def reference_sha256(self) -> str | None:
        """The digest of the image to pass as the face."""
        return None if self.reference is None else self.reference.sha256

    def live_url(self) -> str | None:
        """Return where the service has the image to pass as the face; None if the URL says that it has expired.

        Raises:
            InputError: The library requires consent, and there is no consent note for this face.
        """
        self._check_consent()
        url = self.reference.url if self.reference is not None else None
        end = None if url is None else expires_at(url)
        return url if end is None or end > datetime.now(UTC) + _SOON else None

    @property
    def has_consent(self) -> bool:
        """Whether there is a consent note for the face reference as it is now."""
        digest = self.face.sha256 if self.face is not None else None
        return self.consent is not None and digest is not None and self.consent.face_sha256 == digest

    def read_anchor(self) -> bytes:
        """Return the bytes of the ID photo.

        Raises:
            LibraryError: There is none, its file is missing or another than recorded, or this character was not loaded
                from a library.
        """
        return self._read(self.anchor, "ID photo")

    def read_face(self) -> bytes:
        """Return the bytes of the face reference.

        Raises:
            LibraryError: There is none, its file is missing or another than recorded, or this character was not loaded
                from a library.
        """
        return self._read(self.face, "face reference")

    def read_reference(self) -> bytes:
        """Return the bytes of the image to pass as the face: of the anchor, or else of the face reference.

        Raises:
            InputError: The library requires consent, and there is no consent note for this face.
            LibraryError: As for `read_anchor`.
        """
        self._check_consent()
        return self._read(self.reference, "image of a face")

    def _check_consent(self) -> None:
        if self._origin.library is not None and self._origin.library.require_consent:
            check_consent(self)

    def _read(self, image: StoredImage | None, what: str) -> bytes:
        if image is None:
            raise LibraryError(f"The character '{self.slug}' has no {what}", character=self.slug)
        if self._origin.store is None:
            raise LibraryError(
                f"The character '{self.slug}' was not loaded from a library, so that its {what} cannot be read; get it "
                "with library.get",
                character=self.slug,
                path=f"{folder_of(self.slug)}/{image.path}",
            )
        return _checked(_content(self._origin.store, self.slug, image, what), image, self.slug, what)

    @property
    def library(self) -> CharacterLibrary | None:
        """The library that it was loaded from; None for one that was unpickled or made from JSON."""
        return self._origin.library

    @property
    def store(self) -> Store | None:
        """Where its images are read from; None for one that was unpickled or made from JSON."""
        return self._origin.store

    def attach(self, store: Store, library: CharacterLibrary | None = None) -> Self:
        """Read the images from a store from now on, and return this character."""
        self._origin = Origin(store, library)
        return self

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002  # IPython passes them, and chooses itself
        from aurashot.characters._shown import card_of

        return card_of(self).bundle()

    def __hash__(self) -> int:
        """Hash by the id: equal characters have the same one."""
        return hash(self.id)


def _content(store: Store, slug: str, image: StoredImage, what: str) -> bytes:
    path = f"{folder_of(slug)}/{image.path}"
    try:
        return store.read(path)
    except FileNotFoundError as error:
        raise LibraryError(
            f"The {what} of the character '{slug}' is missing: there is no file '{path}'; restore it from a backup, or "
            "store the image again with library.update",
            character=slug,
            path=path,
        ) from error


def _checked(content: bytes, image: StoredImage, slug: str, what: str) -> bytes:
    if image.sha256 is not None and hashlib.sha256(content).hexdigest() != image.sha256:
        raise LibraryError(
            f"The {what} of the character '{slug}' ('{image.path}') is another file than when the character was "
            "loaded; get it again",
            character=slug,
            path=f"{folder_of(slug)}/{image.path}",
        )
    return content
