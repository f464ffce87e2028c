"""Mutation testing of the retry and outcome policy: the tests must fail for each mutant."""
