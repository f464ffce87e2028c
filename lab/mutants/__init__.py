"""The retry and outcome policy, broken on purpose: each mutant must be noticed."""
