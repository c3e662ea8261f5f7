"""I/O tools that every process uses. Knows no business word."""
