"""A driver for flows that has no colour, no network and no clock."""

from __future__ import annotations

import io
import json
from typing import Any, TypeVar

from PIL import Image

from aurashot._calls import Annotate, Blocking, Call, Fetch, Flow, Forget, Gather, Pause, Recall, Report, Step, Together
from aurashot.images import ImageRules, unlimited
from aurashot.models import WireModel

T = TypeVar("T")

RULES = ImageRules(own_origin="https://www.aurashot.art")
FACE = "https://cdn.example.com/face.png"
CLOTHES = "https://cdn.example.com/clothes.png"
SCENE = "https://cdn.example.com/scene.png"


class Play:
    """Drive a flow by `next` and `send`.

    Disk work is done, flows that belong together run one after the other, a pause takes no time, and a ledger knows
    nothing; each call and each download gets the next reply, and a reply that is an error is thrown into the flow.
    """

    def __init__(self, *responses: object) -> None:
        self.responses = list(responses)
        self.steps: list[Step] = []
        """What reached the outside: calls, downloads, pauses and annotations."""
        self.recalled: list[Call[Any]] = []
        """What a ledger was asked for."""
        self.remembered: object = None
        """What the ledger responses."""

    def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns."""
        try:
            step = next(flow)
            while True:
                response = self._do(step)
                step = flow.throw(response) if isinstance(response, BaseException) else flow.send(response)
        except StopIteration as end:
            result: T = end.value
            return result

    @property
    def calls(self) -> list[Call[Any]]:
        """The requests that would have gone out."""
        return [step for step in self.steps if isinstance(step, Call)]

    @property
    def pauses(self) -> list[float]:
        """The seconds that would have passed."""
        return [step.seconds for step in self.steps if isinstance(step, Pause)]

    def _do(self, step: Step) -> object:  # noqa: PLR0911 - one for each kind of step
        match step:
            case Blocking():
                return _result(step)
            case Together():
                try:
                    return [self.run(flow) for flow in step.flows]
                except Exception as error:  # noqa: BLE001 - a driver throws it into the flow that waits
                    return error
            case Gather():
                return [self._ended(flow) for flow in step.flows]
            case Pause() | Forget() | Annotate() | Report():
                self.steps.append(step)
                return None
            case Recall():
                self.recalled.append(step.call)
                return self.remembered
            case Call() | Fetch():
                self.steps.append(step)
                return self.responses.pop(0)

    def _ended(self, flow: Flow[Any]) -> object:
        try:
            return self.run(flow)
        except Exception as error:  # noqa: BLE001 - it is what became of the flow
            return error


def _result(step: Blocking[Any]) -> object:
    try:
        return step.work(unlimited)
    except Exception as error:  # noqa: BLE001 - a driver throws it into the flow that waits
        return error


def body(call: Call[Any]) -> Any:
    """Return the JSON that a call would send."""
    assert isinstance(call.request, WireModel)
    return json.loads(call.request.to_wire())


def png(colour: str = "white") -> bytes:
    """Return a small image."""
    file = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(file, "PNG")
    return file.getvalue()
