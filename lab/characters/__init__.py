"""A program that is killed while it changes a library of characters: compare the library with what was reported."""
