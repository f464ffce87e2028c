"""Every operation, written once for both clients.

All arguments are checked first, before anything is sent; then the local images are uploaded, concurrently in async
code; then the one billable request is sent.
"""
