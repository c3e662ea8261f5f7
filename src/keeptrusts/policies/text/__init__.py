"""Finding and replacing personal data in text, whole or in pieces."""
