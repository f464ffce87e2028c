"""The write-ahead record of every billed call: what was spent, and what is unresolved.

    from aurashot.ledger import SpendCap, SQLiteLedger

    with SQLiteLedger("spend.db", cap=SpendCap(max_images=100, per="day")) as ledger:
        client = AuraShot(ledger=ledger)
        client.generate("a portrait", face="selfie.jpg", tags={"user": "alice"})
        print(ledger.summary().by_tag["user"]["alice"].paid)

Each billed request is an entry, on the disk before its first byte goes out. It counts as `unknown` until its outcome is
recorded as `paid` or `not_paid`; if the program is killed in between, `unknown` is the truth.
"""

from aurashot.ledger._cap import SpendCap
from aurashot.ledger._entries import Entry, Spend, Summary
from aurashot.ledger._records import Intent, Ledger, Payment, Settlement
from aurashot.ledger._sqlite import SQLiteLedger

__all__ = [
    "Entry",
    "Intent",
    "Ledger",
    "Payment",
    "SQLiteLedger",
    "Settlement",
    "Spend",
    "SpendCap",
    "Summary",
]
