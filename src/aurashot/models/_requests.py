"""The bodies of the service's endpoints."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Self

from aurashot.models._wire import WireModel

if TYPE_CHECKING:
    from collections.abc import Mapping


class BilledRequest(WireModel):
    """The body of a billable call, and what a ledger records of it."""

    wait_for_result: bool | None = None
    """Whether the service responds when the image is there; left out unless asked."""

    @property
    @abstractmethod
    def words(self) -> str | None:
        """The prompt."""

    @property
    @abstractmethod
    def references(self) -> Mapping[str, str]:
        """The URL of each image, by the name of its field: `face`, `clothes`, `productImage` and so on."""

    @abstractmethod
    def with_urls(self, urls: Mapping[str, str]) -> Self:
        """Return the same request with other URLs for some of its images, by the name of their fields."""


class Images(WireModel):
    """The images that a request refers to: one URL for each field."""

    def urls(self) -> dict[str, str]:
        """Return the URL of each image, by the name of its field."""
        return self.model_dump(by_alias=True, exclude_none=True)


class IdPhotoImages(Images):
    """The image that an ID photo is made from."""

    face: str
    """Public https URL of one face photo."""


class IdPhotoRequest(BilledRequest):
    """The body of `POST /v1/character/id-photo`."""

    images: IdPhotoImages
    prompt: str | None = None
    """A style, for an anime character for instance."""

    @property
    def words(self) -> str | None:
        """The prompt."""
        return self.prompt

    @property
    def references(self) -> Mapping[str, str]:
        """The images that the request refers to."""
        return self.images.urls()

    def with_urls(self, urls: Mapping[str, str]) -> Self:
        """Return the same request with other URLs for some of its images."""
        return self.model_copy(update={"images": self.images.model_copy(update=urls)})


class GenerateImages(Images):
    """The images that a generation refers to."""

    face: str
    """Public https URL of the face reference: the anchor wherever there is one."""
    clothes: str | None = None
    scene: str | None = None


class GenerateRequest(BilledRequest):
    """The body of `POST /v1/character/generate`."""

    prompt: str
    images: GenerateImages

    @property
    def words(self) -> str | None:
        """The prompt."""
        return self.prompt

    @property
    def references(self) -> Mapping[str, str]:
        """The images that the request refers to."""
        return self.images.urls()

    def with_urls(self, urls: Mapping[str, str]) -> Self:
        """Return the same request with other URLs for some of its images."""
        return self.model_copy(update={"images": self.images.model_copy(update=urls)})


class EditImages(Images):
    """The images that an edit refers to."""

    target: str
    """Public https URL of the image to change."""
    face: str | None = None
    """The identity lock: the face that has to stay."""


class EditRequest(BilledRequest):
    """The body of `POST /v1/character/edit`."""

    prompt: str
    images: EditImages

    @property
    def words(self) -> str | None:
        """The prompt."""
        return self.prompt

    @property
    def references(self) -> Mapping[str, str]:
        """The images that the request refers to."""
        return self.images.urls()

    def with_urls(self, urls: Mapping[str, str]) -> Self:
        """Return the same request with other URLs for some of its images."""
        return self.model_copy(update={"images": self.images.model_copy(update=urls)})
