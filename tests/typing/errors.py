"""What a handler knows about an error, as a user's type checker sees it."""

from __future__ import annotations

from typing import assert_type

from aurashot import (
    APIStatusError,
    AuraShot,
    AuraShotError,
    ContentBlockedError,
    DownloadError,
    Generation,
    GenerationFailedError,
    InputError,
    NotSentError,
    Outcome,
    RateLimitError,
    SpendCapError,
    UnexpectedResponseError,
    UnresolvedError,
    WorkflowJob,
)
from aurashot.ledger import Entry


def handled(client: AuraShot) -> None:
    try:
        client.generate("in a cafe", face="face.png")
    except InputError as error:
        assert_type(error.argument, str | None)
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
    except APIStatusError as error:
        assert_type(error.status_code, int)
        assert_type(error.code, str | None)
        assert_type(error.body, str)
    except ContentBlockedError as error:
        assert_type(error.generation, Generation | None)
    except GenerationFailedError as error:
        assert_type(error.generation, Generation | None)
    except UnexpectedResponseError as error:
        assert_type(error.body, bytes)
        assert_type(error.content_type, str)
    except NotSentError as error:
        assert_type(error.final, bool)
    except DownloadError as error:
        assert_type(error.transient, bool)
    except AuraShotError as error:
        assert_type(error.outcome, Outcome)
        assert_type(error.may_be_charged, bool)
        assert_type(error.idempotency_key, str | None)
        assert_type(error.attempts, int)
        assert_type(error.request_id, str | None)
        assert_type(error.operation_id, str | None)
        assert_type(error.delivered, tuple[Generation | WorkflowJob, ...])


def handled_with_a_ledger(client: AuraShot) -> None:
    try:
        client.generate("in a cafe", face="face.png", idempotency_key="order-17")
    except UnresolvedError as error:
        assert_type(error.entry, Entry | None)
    except SpendCapError as error:
        assert_type(error.max_images, int)
        assert_type(error.by, str | None)


def about_an_argument(error: InputError) -> None:
    assert_type(error.about("face"), InputError)
    value_errors: list[ValueError] = [error]
    assert_type(value_errors, list[ValueError])
