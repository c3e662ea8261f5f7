"""HTTP/1.1 as a client: framing, pools, TLS, proxies, compression."""
