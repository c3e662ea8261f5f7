"""What attacks on a model's instructions look like, and how they hide: the inside of `prompt-injection`."""
