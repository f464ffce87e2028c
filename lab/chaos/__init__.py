"""Thousands of billed calls against a server that injects faults: count lost and double-billed images."""
