"""The requests and responses of the legacy workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

from pydantic import BeforeValidator

from aurashot.models._requests import BilledRequest
from aurashot.models._responses import Lenient, StatusModel, TupleOrEmpty, no_output
from aurashot.models._wire import WireModel

if TYPE_CHECKING:
    from collections.abc import Mapping

Flag: TypeAlias = Annotated[bool, BeforeValidator(lambda value: False if value is None else value)]
"""A yes or no that the service may also leave out or send as null."""


class VirtualTryOnInput(WireModel):
    """The input of the legacy try-on."""

    product_image: str
    model_image: str
    scene_image: str | None = None
    generate_version: str = "weshopFlash"
    """`weshopFlash`, `weshopPro` or `bananaPro`."""
    description_type: Literal["auto", "custom"] = "auto"
    """`custom` exactly when a description is given."""
    text_description: str | None = None


class VirtualTryOnRequest(BilledRequest):
    """The body of `POST /api/aesthetic/generate` for `virtual_try_on`."""

    workflow: Literal["virtual_try_on"] = "virtual_try_on"
    input: VirtualTryOnInput

    @property
    def words(self) -> str | None:
        """The description, if there is one."""
        return self.input.text_description

    @property
    def references(self) -> Mapping[str, str]:
        """The images that the workflow works on."""
        return _images(self.input)

    def with_urls(self, urls: Mapping[str, str]) -> Self:
        """Return the same request with other URLs for some of its images."""
        return self.model_copy(update={"input": self.input.model_copy(update=urls)})


class PoseChangeInput(WireModel):
    """The input of the legacy pose change."""

    original_image: str
    generate_version: str = "lite"
    """`lite` or `pro`."""
    text_description: str


class PoseChangeRequest(BilledRequest):
    """The body of `POST /api/aesthetic/generate` for `pose_change`."""

    workflow: Literal["pose_change"] = "pose_change"
    input: PoseChangeInput

    @property
    def words(self) -> str | None:
        """The description, if there is one."""
        return self.input.text_description

    @property
    def references(self) -> Mapping[str, str]:
        """The images that the workflow works on."""
        return _images(self.input)

    def with_urls(self, urls: Mapping[str, str]) -> Self:
        """Return the same request with other URLs for some of its images."""
        return self.model_copy(update={"input": self.input.model_copy(update=urls)})


def _images(given: WireModel) -> dict[str, str]:
    fields: dict[str, str] = given.model_dump(by_alias=True, exclude_none=True)
    return {name: value for name, value in fields.items() if name.endswith("Image")}


class QueryRequest(WireModel):
    """The body of `POST /api/aesthetic/query`: one of the two identifiers."""

    workflow: str
    execution_id: str | None = None
    task_id: str | None = None


class WorkflowResult(WireModel):
    """One image of a legacy workflow."""

    status: Lenient[str] = None
    image: str | None = None
    progress: Lenient[float | str] = None
    error: Lenient[str] = None


class WorkflowJob(StatusModel):
    """The response of the legacy workflows: a job that is polled until it is done."""

    workflow: str | None = None
    task_id: str | None = None
    execution_id: str | None = None
    completed: Flag = False
    images: TupleOrEmpty[str] = ()
    results: TupleOrEmpty[WorkflowResult] = ()

    @property
    def url(self) -> str:
        """The URL of the first image.

        Raises:
            NoOutputError: There is none (yet).
        """
        if not self.images:
            raise no_output(self, self.task_id, "poll it with client.legacy.query")
        return self.images[0]
