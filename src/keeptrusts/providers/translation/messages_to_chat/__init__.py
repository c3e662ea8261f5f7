"""Clients of messages, served by targets that speak OpenAI's chat completions."""
