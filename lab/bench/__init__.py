"""What aurashot costs, measured beside other clients against one local server.

Run it with `scripts/lab bench`; its responses are in `docs/benchmarks.md`.
"""
