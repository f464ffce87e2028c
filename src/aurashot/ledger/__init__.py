"""The write-ahead record of every billed call: what was spent, and what is unresolved.

    from aurashot.ledger import SpendCap, SQLiteLedger

    with SQLiteLedger("spend.db", cap=SpendCap(max_images=100, per="day")) as ledger:
        client = AuraShot(ledger=ledger)
        client.generate("a portrait", face="selfie.jpg", tags={"user": "alice"})
        print(ledger.summary().by_tag["user"]["alice"].paid)

Each billed request is an entry, on the disk before its first byte is sent. It counts as `unknown` until its outcome is
recorded as `paid` or `not_paid`; if the program is killed in between, `unknown` is the truth. One idempotency key pays
once: what was paid under it is not requested again.
"""

from aurashot.ledger._cap import SpendCap
from aurashot.ledger._entries import Entry
from aurashot.ledger._owner import Owner
from aurashot.ledger._records import Annotate, Intent, Ledger, Payment, Reserve, Scalar, Settle, Settlement, Write
from aurashot.ledger._rules import check_key
from aurashot.ledger._sqlite import SQLiteLedger
from aurashot.ledger._summary import Spend, Summary

__all__ = [
    "Annotate",
    "Entry",
    "Intent",
    "Ledger",
    "Owner",
    "Payment",
    "Reserve",
    "SQLiteLedger",
    "Scalar",
    "Settle",
    "Settlement",
    "Spend",
    "SpendCap",
    "Summary",
    "Write",
    "check_key",
]
