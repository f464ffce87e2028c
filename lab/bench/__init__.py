"""Benchmarks of aurashot and other clients against a local server.

Run them with `scripts/lab bench`; the results are in `docs/benchmarks.md`.
"""
