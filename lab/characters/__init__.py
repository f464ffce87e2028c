"""Libraries of characters: a program that is killed while it changes one, many processes, and many characters."""
