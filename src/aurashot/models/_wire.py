"""The base class of all wire models."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class WireModel(BaseModel):
    """A frozen record, camelCase on the wire, that keeps unknown fields."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel,
        coerce_numbers_to_str=True,  # a paid response is not lost because an identifier came as a number
        defer_build=True,  # a validator is made when it is first used, not at import
        extra="allow",
        frozen=True,
        hide_input_in_errors=True,  # a validation error must not print what a user sent or paid for
        populate_by_name=True,
    )

    def to_wire(self) -> bytes:
        """Return the JSON to send: camelCase, without unset fields."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()
