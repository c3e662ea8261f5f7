"""What a running gateway counts, and the page on which Prometheus reads it."""
