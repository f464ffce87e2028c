"""Reliability suites and benchmarks: real servers that fail on purpose, and clients measured beside each other."""
