"""The write-ahead record of every billed call: what was spent, and what is unresolved."""

from aurashot.ledger._records import Intent, Ledger, Payment, Settlement

__all__ = ["Intent", "Ledger", "Payment", "Settlement"]
