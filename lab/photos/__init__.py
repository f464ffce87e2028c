"""The memory that many large photos take when they are uploaded at once."""
