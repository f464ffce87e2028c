"""One fault after the other, over every transport: what the caller gets, how often it was sent, how long it took."""
