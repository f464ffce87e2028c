"""A program that is killed at random times: compare its ledger with the bills."""
