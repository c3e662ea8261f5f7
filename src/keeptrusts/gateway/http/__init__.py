"""The edge: HTTP/1.1 as a server, its limits and its header lists."""
