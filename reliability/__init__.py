"""What the SDK loses and pays twice under faults, counted: one suite a package, one command a suite."""
