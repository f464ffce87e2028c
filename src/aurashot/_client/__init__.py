"""The two clients: signatures and docstrings; what they do is in the flows and the drivers.

Each client is imported from its own module, so that neither pays for the other.
"""
