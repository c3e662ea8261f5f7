"""Between the dialects: calls and answers of one wire format as those of another."""
