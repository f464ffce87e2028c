"""Attacks with images: a mark planted in every place of every format, and files that are made to cost much."""
