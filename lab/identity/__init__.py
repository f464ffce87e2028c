"""Faces compared: photographs altered in many ways, and what a comparison costs."""
