"""Reliability suites and benchmarks: test servers that inject faults, and comparisons with other clients."""
