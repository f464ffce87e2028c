from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from aurashot._response_parsing import retry_after

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 3, 16, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("12", 12.0),
        (" 1.5 ", 1.5),
        ("86400", 86_400.0),
        ("86401", None),
        ("999999999", None),
        ("9" * 40, None),
        ("-1", None),
        ("+1", None),
        ("1e3", None),
        ("٣", None),
        ("inf", None),
        ("nan", None),
        ("", None),
        ("tomorrow", None),
        ("Mon, 16 Mar 2026 12:00:30 GMT", 30.0),
        ("Monday, 16-Mar-26 12:00:30 GMT", 30.0),
        ("Mon Mar 16 12:00:30 2026", 30.0),
        ("Mon, 16 Mar 2026 11:59:00 GMT", 0.0),
        ("Wed, 18 Mar 2026 12:00:00 GMT", None),
        ("Mon, 99 Mar 2026 12:00:00 GMT", None),
        ("Mon, 16 Mar 2026 12:00:00 +9999", None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(text: str, seconds: float | None) -> None:
    """Seconds and the three date forms of RFC 9110 are understood; what is past is now, what is absurd is nothing."""
    assert seconds == retry_after({"retry-after": text}, now=NOW)


@pytest.fixture
def far_east() -> Iterator[None]:
    """Put the process eight hours ahead of UTC, where a process has a time zone of its own."""
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of a process can be changed on Unix only")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC-8")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_east")
def test_a_date_without_a_zone_is_in_utc() -> None:
    """The oldest of the three forms names no zone; where the client runs plays no part."""
    assert 30.0 == retry_after({"retry-after": "Mon Mar 16 12:00:30 2026"}, now=NOW)


def test_no_retry_after_is_none() -> None:
    """An absent header says nothing."""
    assert retry_after({}) is None


@given(st.text() | st.from_regex(r"\d{1,12}(\.\d{1,12})?", fullmatch=True) | st.from_regex(r"[A-Z][a-z]{2}, .{0,30}"))
def test_no_retry_after_breaks_the_reader(text: str) -> None:
    """Any text gives either nothing or a wait between now and a day."""
    seconds = retry_after({"retry-after": text})
    assert seconds is None or 0 <= seconds <= 86_400


@given(st.datetimes(datetime(1970, 1, 1), datetime(2262, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)))  # noqa: DTZ001 - hypothesis takes naive bounds
def test_an_http_date_is_the_time_until_then(moment: datetime) -> None:
    """A date gives the seconds until it, 0 when it is past, and nothing beyond a day."""
    left = (moment.replace(microsecond=0) - NOW) / timedelta(seconds=1)
    expected = None if left > 86_400 else max(0.0, left)
    assert expected == retry_after({"retry-after": format_datetime(moment, usegmt=True)}, now=NOW)
