"""Calls that are cancelled at random times: check for lost images and leaked resources."""
