"""The questions, one module each: `measure(bench)` returns a `Section`."""
