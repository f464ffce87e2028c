"""The sandbox's control endpoints, for the bill and the faults. They need no key, and faults do not apply to them."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias, cast

from fastapi import APIRouter, Request
from pydantic import BeforeValidator, Field

from aurashot.sandbox._emulator import Emulator, emulator_of
from aurashot.sandbox._errors import ApiError
from aurashot.sandbox._faults import ChosenFault, FaultRule, OperationName, hyphenated, parse
from aurashot.sandbox._routes import refusals
from aurashot.sandbox._scenarios import TABLE
from aurashot.sandbox._wire import BillLine, BillResponse, ErrorResponse, Wire

router = APIRouter(prefix="/_sandbox", tags=["sandbox"])

_ONE = f"(?:{'|'.join(fault.pattern for fault in TABLE.values())})"
_BAD_BODY = refusals(400, 413, 422)
_NO_LISTENER: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorResponse, "description": "There is no listener to close."}
}


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# in JSON, 2.0 is also an integer
Whole: TypeAlias = Annotated[int, BeforeValidator(_whole)]
Operation: TypeAlias = Annotated[OperationName, BeforeValidator(hyphenated)]
Times: TypeAlias = Annotated[int, Field(ge=1), BeforeValidator(_whole)]


class FaultRequest(Wire):
    """Faults for a share of later requests."""

    fault: str = Field(
        json_schema_extra={"pattern": f"^{_ONE}(?:,{_ONE})*$"},
        description="`name` or `name;parameter=value`; comma-separated: each request picks one at random.",
    )
    share: float = Field(1.0, gt=0, le=1, description="The share of requests that the fault applies to.")
    times: Times | None = Field(None, description="The maximum number of requests that the fault applies to.")
    operations: list[Operation] = Field([], description="The operations that the fault applies to; empty for all.")
    seed: Whole | None = Field(None, description="The same seed selects the same requests of the same sequence.")


class ActiveFault(Wire):
    """An active rule."""

    fault: str
    share: float
    times: int | None
    operations: list[str]


class KnownFault(Wire):
    """A row of the table of faults; `billed` says whether a billable request is charged when the fault occurs."""

    name: str
    sentence: str
    billed: bool
    parameters: dict[str, float | str]


class FaultsResponse(Wire):
    """The active rules, and the table of faults."""

    active: list[ActiveFault]
    known: list[KnownFault]


@router.get("/bill")
@router.get("/ledger", include_in_schema=False)
async def read_bill(request: Request) -> BillResponse:
    """Return the bill."""
    return _bill(emulator_of(request))


@router.delete("/bill")
@router.delete("/ledger", include_in_schema=False)
async def clear_bill(request: Request) -> BillResponse:
    """Clear the bill and reset every quota."""
    emulator_of(request).accounts.clear()
    return _bill(emulator_of(request))


@router.get("/faults")
async def read_faults(request: Request) -> FaultsResponse:
    """List the active faults, and all known faults."""
    return _faults(emulator_of(request))


@router.post("/faults", responses=_BAD_BODY | _NO_LISTENER)
async def add_faults(body: FaultRequest, request: Request) -> FaultsResponse:
    """Make a share of later requests fail; `refuse` on its own closes the listener at once."""
    emulator = emulator_of(request)
    try:
        chosen = read_specification(body.fault)
    except ValueError as error:
        raise ApiError(422, "invalid_request", f"fault: {error}.") from error
    if [one.fault.end for one in chosen] == ["refuse"]:
        await emulator.refuse(float(chosen[0].parameters["for"]))
    else:
        rule = FaultRule(chosen, body.share, body.times, frozenset(body.operations))
        emulator.rules.add(rule, seed=emulator.settings.seed if body.seed is None else body.seed)
    return _faults(emulator)


@router.delete("/faults")
async def clear_faults(request: Request) -> FaultsResponse:
    """Remove every rule."""
    emulator_of(request).rules.clear()
    return _faults(emulator_of(request))


def read_specification(specification: str) -> tuple[ChosenFault, ...]:
    """Parse comma-separated faults with their parameters.

    Raises:
        ValueError: It is not a string, one of them is not in the table, or a parameter is invalid.
    """
    if not isinstance(cast("object", specification), str):
        message = f"a fault is a string, with commas between several, not {specification!r}"
        raise ValueError(message)  # noqa: TRY004  # as for every other invalid argument
    return tuple(parse(one, TABLE) for one in specification.split(","))


def _bill(emulator: Emulator) -> BillResponse:
    bill = emulator.accounts.bill()
    lines = [
        BillLine(
            operation=entry.operation,
            idempotency_key=entry.idempotency_key,
            request_id=entry.request_id,
            at=entry.at,
        )
        for entry in bill.entries
    ]
    return BillResponse(billed=bill.total, entries=lines)


def _faults(emulator: Emulator) -> FaultsResponse:
    active = [
        ActiveFault(
            fault=",".join(one.specification for one in rule.faults),
            share=rule.share,
            times=rule.times,
            operations=sorted(rule.operations),
        )
        for rule in emulator.rules.active
    ]
    known = [
        KnownFault(name=row.name, sentence=row.sentence, billed=row.worked, parameters=dict(row.parameters))
        for row in TABLE.values()
    ]
    return FaultsResponse(active=active, known=known)
