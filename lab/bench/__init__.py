"""What aurashot costs, measured beside other clients against one local server.

Run it with `scripts/lab bench`; its answers are in `docs/benchmarks.md`.
"""
