"""The shared words: what crosses a boundary, as values. Knows no I/O and no rule."""
