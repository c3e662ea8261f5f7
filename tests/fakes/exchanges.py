"""A request and its answer without a socket, and a provider's answer without a provider."""

import asyncio

from fakes.heads import make_head
from keeptrusts.gateway.http.exchange import Exchange


class MemoryLine:
    """Satisfies gateway.http.exchange.Line; keeps what a client would have got. `on_send` sees each write."""

    def __init__(self) -> None:
        self.sent = b""
        self.is_answered = False
        self.is_cut = False
        self.drains = 0
        self.on_send = lambda data: None

    def opening(self, exchange, status) -> bytes:
        return b"HTTP/1.1 %d\r\n" % status

    def send(self, data: bytes) -> None:
        self.on_send(data)
        self.sent += data

    def send_parts(self, head: bytes, body: bytes) -> None:
        self.send(head + body)

    def must_wait(self) -> bool:
        return True

    async def writable(self) -> None:
        self.drains += 1
        await asyncio.sleep(0)

    def answered(self, exchange) -> None:
        self.is_answered = True

    def cut(self, exchange, *, reset: bool) -> None:
        self.is_cut = True

    # What the client reads.

    @property
    def status(self) -> int:
        return int(self.sent.split(b"\r\n")[0].split(b" ")[1])

    @property
    def headers(self) -> dict[str, str]:
        lines = self.sent.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return dict(line.split(": ", 1) for line in lines)

    @property
    def body(self) -> bytes:
        """The body; what came of it, where it was cut."""
        rest = self.sent.partition(b"\r\n\r\n")[2]
        if self.headers.get("transfer-encoding") != "chunked":
            return rest
        body = b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            length = int(size, 16)
            body, rest = body + rest[:length], rest[length + 2 :]
        return body

    @property
    def is_clean(self) -> bool:
        """The answer has its proper end."""
        return self.is_answered and not self.is_cut


def make_exchange(head=None, body=b"", *, rule=None) -> tuple[Exchange, MemoryLine]:
    line = MemoryLine()
    exchange = Exchange(line, head or make_head())
    exchange.body = body
    exchange.rule = rule
    return exchange, line


class MemoryResponse:
    """Satisfies runtime.http.response.Response, as far as answers need it. An exception among the pieces is raised.

    A piece that is awaitable is waited for.
    """

    def __init__(self, *pieces, status=200, content_type=b"application/json", **headers) -> None:
        self.status = status
        self.headers = {b"content-type": content_type}
        self.headers |= {name.replace("_", "-").encode(): value for name, value in headers.items()}
        self.pieces = pieces
        self._chunks = None
        self.arrived = 0
        self.is_aborted = False

    def take_whole(self) -> None:
        return None

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self.chunks()])

    async def chunks(self):
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            if isinstance(piece, bytes):
                self.arrived += len(piece)
                yield piece
            else:
                await piece

    async def pour(self, sink) -> bool:
        if self._chunks is None:
            self._chunks = self.chunks()
        async for piece in self._chunks:
            if not sink(piece):
                return False
        return True

    def abort(self) -> None:
        self.is_aborted = True


class MemoryClient:
    """Satisfies runtime.http.client.HttpClient: gives its answers in turn, and keeps the requests."""

    connections = idle_connections = 0

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.requests = []

    async def send(self, request):
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if not isinstance(answer, MemoryResponse):
            answer = await answer
        return answer
