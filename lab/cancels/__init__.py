"""Calls that are cancelled at random moments: what they leave behind, and what becomes of the images."""
