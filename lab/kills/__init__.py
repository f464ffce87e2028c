"""A program that is killed at random moments: what its ledger says beside what was billed."""
