"""The folder that `aurashot record` puts on the `PYTHONPATH` of a program."""
