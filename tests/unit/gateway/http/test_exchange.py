import asyncio

import pytest

from keeptrusts.gateway.http.exchange import STATUS_LINES, Exchange, Head


class Line:
    """Keeps what is sent; may claim that the client is slow."""

    def __init__(self) -> None:
        self.is_paused = False
        self.sent = b""
        self.ends: list[str] = []
        self.released = asyncio.Event()

    def opening(self, exchange, status):
        del exchange
        return b"%d!" % status

    def send(self, data):
        self.sent += data

    def send_parts(self, head, body):
        self.sent += head + b"|" + body

    def must_wait(self):
        return self.is_paused

    async def writable(self):
        await self.released.wait()

    def answered(self, exchange):
        self.ends.append("closed" if not exchange.keeps_alive else "kept")

    def cut(self, exchange, *, reset):
        del exchange
        self.ends.append("reset" if reset else "cut")


def make(method="POST", *, is_1_1=True, keeps_alive=True):
    line = Line()
    exchange = Exchange(line, Head(method, "/", b"", {}, "192.0.2.1", is_tls=False))
    exchange.is_1_1 = is_1_1
    exchange.keeps_alive = keeps_alive
    return exchange, line


def test_a_whole_answer_is_framed_by_its_length():
    exchange, line = make()
    exchange.respond(200, b"a: b\r\n", b"hello")
    assert line.sent == b"200!a: b\r\ncontent-length: 5\r\n\r\nhello"
    assert line.ends == ["kept"]


@pytest.mark.parametrize(("status", "line"), [(404, b"HTTP/1.1 404 Not Found\r\n"), (529, b"HTTP/1.1 529 \r\n")])
def test_every_status_has_a_line_even_without_a_registered_phrase(status, line):
    assert STATUS_LINES[status] == line
    assert len(STATUS_LINES) == 900


def test_a_connection_that_ends_says_so():
    exchange, line = make(keeps_alive=False)
    exchange.respond(200, b"", b"x")
    assert line.sent == b"200!content-length: 1\r\nconnection: close\r\n\r\nx"


def test_head_gets_the_head_alone():
    exchange, line = make("HEAD")
    exchange.respond(200, b"", b"hello")
    assert line.sent == b"200!content-length: 5\r\n\r\n"


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body_have_no_length(status):
    exchange, line = make()
    exchange.respond(status, b"")
    assert line.sent == b"%d!\r\n" % status


def test_a_large_body_is_not_copied():
    exchange, line = make()
    exchange.respond(200, b"", b"x" * 100_000)
    assert line.sent == b"200!content-length: 100000\r\n\r\n|" + b"x" * 100_000


def test_a_stream_is_chunked():
    exchange, line = make()
    exchange.start(200, b"a: b\r\n")
    exchange.write(b"x" * 17)
    exchange.write(b"")
    exchange.finish()
    exchange.finish()
    assert line.sent == b"200!a: b\r\ntransfer-encoding: chunked\r\n\r\n11\r\n%b\r\n0\r\n\r\n" % (b"x" * 17)
    assert line.ends == ["kept"]


def test_a_stream_to_an_old_client_ends_with_the_connection():
    exchange, line = make(is_1_1=False, keeps_alive=False)
    exchange.start(200, b"")
    exchange.write(b"abc")
    exchange.finish()
    assert line.sent == b"200!connection: close\r\n\r\nabc"


def test_a_stream_to_head_has_no_pieces():
    exchange, line = make("HEAD")
    exchange.start(200, b"")
    exchange.write(b"abc")
    exchange.finish()
    assert line.sent == b"200!transfer-encoding: chunked\r\n\r\n"


def test_an_aborted_stream_never_looks_complete():
    chunked, line = make()
    chunked.start(200, b"")
    chunked.abort()
    assert line.ends == ["cut"]
    old, old_line = make(is_1_1=False)
    old.start(200, b"")
    old.abort()
    assert old_line.ends == ["reset"]  # its framing has no end that could be missing


def test_an_answer_is_given_once():
    exchange, line = make()
    exchange.respond(200, b"")
    exchange.abort()
    assert line.ends == ["kept"]
    with pytest.raises(RuntimeError):
        exchange.respond(200, b"")
    with pytest.raises(RuntimeError):
        exchange.start(200, b"")


@pytest.mark.anyio
async def test_drain_waits_only_for_a_slow_client():
    exchange, line = make()
    await exchange.drain()
    line.is_paused = True
    assert exchange.is_paused
    asyncio.get_running_loop().call_soon(line.released.set)
    await exchange.drain()
    assert line.released.is_set()
