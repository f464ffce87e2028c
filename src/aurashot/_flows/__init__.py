"""Every operation, written once for both clients.

All that can be wrong with the arguments is found first, in every argument, before the first byte goes out; then the
local images are uploaded, side by side in async code; then the one billed request is made.
"""
