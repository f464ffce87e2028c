from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import TYPE_CHECKING, Any, get_args

import pytest

from aurashot import errors
from aurashot.errors import (
    APIStatusError,
    AuraShotError,
    BadRequestError,
    DownloadError,
    GenerationFailedError,
    InputError,
    InvalidImageError,
    NotSentError,
    Outcome,
    OutcomeUnknownError,
    UnexpectedResponseError,
    UnsafeURLError,
)
from aurashot.models import Generation

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, AuraShotError) and value.__module__ == errors.__name__
]
DRAWN = re.compile(r"(?P<indent> +)(?P<name>[A-Z]\w+)(?: \((?P<also>\w+)\))?(?:  +\S.*)?")


def drawn_tree() -> dict[str, tuple[str, ...]]:
    """Return the tree of the module's docstring: each class with the names of its bases."""
    tree: dict[str, tuple[str, ...]] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        if not (row := DRAWN.fullmatch(line)):
            continue
        indent = len(row["indent"])
        above = [(depth, name) for depth, name in above if depth < indent]
        parent = above[-1][1] if above else "Exception"
        tree[row["name"]] = (parent, row["also"]) if row["also"] else (parent,)
        above.append((indent, row["name"]))
    return tree


def made(kind: type[AuraShotError]) -> AuraShotError:
    """Return an error of a class, with a message."""
    return kind("what happened")


def pickled(error: AuraShotError) -> Any:
    """Return what comes back from a pickle."""
    return pickle.loads(pickle.dumps(error))


def lost_with_cause() -> OutcomeUnknownError:
    """Return an error as the drivers raise it: with a cause and a traceback."""
    with pytest.raises(OutcomeUnknownError) as caught:
        raise OutcomeUnknownError("lost") from OSError("sk_live_secret_1234")
    return caught.value


def test_the_tree_is_the_one_that_the_docstring_draws() -> None:
    """Every error class stands in the module's docstring, under the parent that it has."""
    assert drawn_tree() == {kind.__name__: tuple(base.__name__ for base in kind.__bases__) for kind in CLASSES}


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_has_a_sentence_and_an_outcome_of_the_four(kind: type[AuraShotError]) -> None:
    """Each class documents itself in one sentence and says by default what became of the request."""
    assert (inspect.getdoc(kind) or "").split("\n", maxsplit=1)[0].endswith(".")
    assert kind("x").outcome in get_args(Outcome)
    assert str(made(kind)) == made(kind).message == "what happened"


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (InputError, "not_sent"),
        (NotSentError, "not_sent"),
        (OutcomeUnknownError, "unknown"),
        (errors.DeadlineExceededError, "not_sent"),
        (BadRequestError, "rejected"),
        (errors.RateLimitError, "rejected"),
        (errors.ServerError, "unknown"),
        (UnexpectedResponseError, "unknown"),
        (GenerationFailedError, "accepted"),
        (errors.ContentBlockedError, "accepted"),
        (errors.NoOutputError, "accepted"),
        (errors.LedgerError, "not_sent"),
        (errors.LibraryError, "not_sent"),
        (errors.CharacterNotFoundError, "not_sent"),
        (errors.CharacterExistsError, "not_sent"),
        (errors.SpendCapError, "not_sent"),
        (errors.UnresolvedError, "unknown"),
        (DownloadError, "accepted"),
    ],
)
def test_an_error_says_by_itself_what_became_of_the_request(kind: type[AuraShotError], outcome: Outcome) -> None:
    """The class alone gives the outcome that is true unless somebody knows better."""
    assert outcome == made(kind).outcome


@pytest.mark.parametrize(
    ("outcome", "billable", "may_be_charged"),
    [
        ("not_sent", True, False),
        ("rejected", True, False),
        ("unknown", True, True),
        ("accepted", True, True),
        ("not_sent", False, False),
        ("rejected", False, False),
        ("unknown", False, False),
        ("accepted", False, False),
    ],
)
def test_only_a_billed_call_that_may_have_been_worked_on_may_be_charged(
    outcome: Outcome,
    billable: bool,  # noqa: FBT001 - a column of the table
    may_be_charged: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Money can be lost by a billed call whose outcome is unknown or accepted, and by no other."""
    error = AuraShotError("x")
    error.outcome, error.billable = outcome, billable
    assert may_be_charged == error.may_be_charged


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled], ids=["copy", "deepcopy", "pickle"])
def test_a_copy_and_a_pickle_keep_what_the_error_says(
    kind: type[AuraShotError], again: Callable[[AuraShotError], AuraShotError]
) -> None:
    """Every class survives copying and pickling with its message and all its plain attributes."""
    error = made(kind)
    error.outcome, error.billable, error.idempotency_key = "unknown", True, "key-1"
    error.attempts, error.request_id, error.retry_after = 3, "r-1", 2.5
    error.operation_id, error.delivered = "o-1", (Generation(status="success", request_id="r-1"),)
    remade = again(error)
    assert type(remade) is kind
    assert error.message == remade.message == str(remade)
    assert remade.may_be_charged
    assert vars(error) == vars(remade)


def test_a_pickle_keeps_the_argument_the_generation_and_the_notes() -> None:
    """What one class has beyond the others travels too."""
    blamed = InvalidImageError("not an image", argument="face")
    failed = GenerationFailedError("gave up")
    failed.generation = Generation(status="failed", request_id="r-1")
    failed.add_note("ask again")
    assert blamed.argument == pickled(blamed).argument
    assert failed.generation == pickled(failed).generation
    assert failed.__notes__ == pickled(failed).__notes__


def test_a_pickle_drops_causes_and_tracebacks() -> None:
    """Foreign objects, which may hold a request and its key, do not travel."""
    error = lost_with_cause()
    assert isinstance(error.__cause__, OSError)
    assert b"sk_live" not in pickle.dumps(error)
    assert pickled(error).__cause__ is None
    assert pickled(error).__traceback__ is None


@pytest.mark.parametrize("kind", [InputError, InvalidImageError, UnsafeURLError])
def test_an_input_error_learns_its_argument_once(kind: type[InputError]) -> None:
    """The first to know names the argument; whoever comes later does not change it."""
    told = kind("it is empty").about("face")
    assert type(told) is kind
    assert ("face", "face: it is empty") == (told.argument, str(told))
    assert told is told.about("image")


def test_input_errors_are_value_errors() -> None:
    """Code that knows nothing of this SDK catches a bad argument as the ValueError that it is."""
    with pytest.raises(ValueError, match="bad face"):
        raise InvalidImageError("bad face")


def test_what_is_unresolved_may_be_charged() -> None:
    """The call sent nothing, but the request that stands in its way may be on the bill."""
    error = errors.UnresolvedError("x")
    assert (True, None, 0) == (error.may_be_charged, error.entry, error.attempts)


def test_a_status_error_starts_without_a_status() -> None:
    """The attributes of an error exist from the start, so that a handler never meets an AttributeError."""
    error = APIStatusError("x")
    assert (0, None, "", None) == (error.status_code, error.code, error.body, error.request_id)
    unexpected = UnexpectedResponseError("x")
    assert (0, "", b"") == (unexpected.status_code, unexpected.content_type, unexpected.body)
    assert (None, (), None, 0) == (error.operation_id, error.delivered, error.idempotency_key, error.attempts)


def test_an_unresolved_key_may_be_on_the_bill() -> None:
    """Nothing was sent now, but an earlier request under the same key was."""
    error = errors.UnresolvedError("x")
    assert (True, True, None) == (error.billable, error.may_be_charged, error.entry)
