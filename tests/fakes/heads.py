"""Heads of requests, as the edge would give them."""

from keeptrusts.gateway.http.exchange import Head


def make_head(
    method="POST", path="/v1/chat/completions", *, query=b"", peer="127.0.0.1", repeated=False, **headers
) -> Head:
    """`x_api_key=b"k"` is the header x-api-key."""
    named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    head = Head(method, path, query, {b"host": b"localhost:41002"} | named, peer, is_tls=False)
    if repeated:
        head.has_repeated_credentials = True
    return head
