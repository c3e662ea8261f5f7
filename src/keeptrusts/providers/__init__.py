"""Upstream dialects: what a body of each provider says. Pure translation, no sockets."""
