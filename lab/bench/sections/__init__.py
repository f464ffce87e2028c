"""The sections of the page, one module each; `measure(bench)` returns a `Section`."""
