"""Each fault once, over every transport: the result, the number of requests and the duration."""
