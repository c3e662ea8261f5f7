"""What one server takes before it defends itself. Bytes and seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of a connection unless it says otherwise. The sizes of heads are fixed: see framing."""

    max_connections: int = 20_000
    max_connections_per_address: int = 10_000  # much, because behind a load balancer all come from one
    max_buffered_bytes: int = 512 * 1024 * 1024  # request bodies of all connections together
    max_pipelined: int = 64  # requests waiting behind the one that is served
    max_decode_ratio: int = 100
    head_s: float = 10.0  # for a whole head, from its first byte or from connecting
    body_s: float = 30.0  # a body that stands still, or stays behind `body_bytes_per_s`, for so long
    body_bytes_per_s: int = 1024
    idle_s: float = 75.0  # between two requests
    stuck_s: float = 60.0  # a client that takes nothing of its answer
    linger_s: float = 5.0  # for a refused client to stop sending and read why
    sweep_s: float = 0.5  # how late each of these may be
