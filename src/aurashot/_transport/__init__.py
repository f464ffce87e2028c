"""The two drivers, `_sync` and `_async`: the only code that waits.

Each step of a flow is done here, blocking or async. A `Call` goes through, from the outside in: once (a
shared upload), the retry rules, and one attempt within the deadline.
"""
