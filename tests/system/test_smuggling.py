"""Malformed and ambiguous HTTP, by name. Each is answered with an error and a closed connection; no handler sees it."""

import msgspec
import pytest

from fakes.wire import Recorder, answers_in, converse
from keeptrusts.gateway.http.limits import Limits
from keeptrusts.gateway.http.server import open_server

POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a.example\r\n"
GET = b"GET /v1/models HTTP/1.1\r\nHost: a.example\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"

CASES: dict[str, bytes] = {
    # One message, two lengths.
    "content-length and transfer-encoding": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding and content-length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two equal content-lengths": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "two different content-lengths": POST + b"Content-Length: 3\r\nContent-Length: 30\r\n\r\nabc",
    "content-length list": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "content-length with plus": POST + b"Content-Length: +3\r\n\r\nabc",
    "content-length with minus": POST + b"Content-Length: -3\r\n\r\nabc",
    "content-length in hex": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "content-length with underscore": POST + b"Content-Length: 1_0\r\n\r\nabcdefghij",
    "content-length with inner space": POST + b"Content-Length: 1 0\r\n\r\nabcdefghij",
    "content-length that is empty": POST + b"Content-Length:\r\n\r\n",
    "content-length that is a word": POST + b"Content-Length: ten\r\n\r\nabcdefghij",
    "content-length beyond 64 bit": POST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "content-length of 64 bit": POST + b"Content-Length: 18446744073709551615\r\n\r\n",
    "content-length with vertical tab": POST + b"Content-Length: \x0b3\r\n\r\nabc",
    # Transfer codings.
    "transfer-encoding identity": POST + b"Transfer-Encoding: identity\r\n\r\nabc",
    "transfer-encoding gzip": POST + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "transfer-encoding gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding chunked, gzip": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "transfer-encoding chunked twice in one": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding quoted": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "transfer-encoding with parameter": POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "transfer-encoding after vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding with space before colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding that is empty": POST + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n",
    "transfer-encoding on HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    # Lines.
    "bare LF after the request line": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
    "bare LF after a field": GET + b"X-A: 1\nX-B: 2\r\n\r\n",
    "bare CR in a value": GET + b"X-A: 1\rX-B: 2\r\n\r\n",
    "bare CR as line end": b"GET / HTTP/1.1\rHost: a\r\r",
    "LF LF as end of the head": b"GET / HTTP/1.1\r\nHost: a\n\n",
    "folded line": GET + b"X-A: 1\r\n 2\r\n\r\n",
    "folded with tab": GET + b"X-A: 1\r\n\t2\r\n\r\n",
    "folded first line": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "space before colon": GET + b"X-A : 1\r\n\r\n",
    "tab before colon": GET + b"X-A\t: 1\r\n\r\n",
    "field without colon": GET + b"X-A\r\n\r\n",
    "field without name": GET + b": 1\r\n\r\n",
    "name with a space": GET + b"X A: 1\r\n\r\n",
    "name with a parenthesis": GET + b"X(A): 1\r\n\r\n",
    "name beyond ASCII": GET + b"X-\xc3\x84: 1\r\n\r\n",
    "NUL in a value": GET + b"X-A: 1\x002\r\n\r\n",
    "NUL in a name": GET + b"X\x00A: 1\r\n\r\n",
    "escape in a value": GET + b"X-A: \x1b[31m\r\n\r\n",
    "DEL in a value": GET + b"X-A: \x7f\r\n\r\n",
    # Host.
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": GET + b"Host: b.example\r\n\r\n",
    "the same Host twice": GET + b"Host: a.example\r\n\r\n",
    "empty Host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "Host list": b"GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n",
    "Host with user": b"GET / HTTP/1.1\r\nHost: a@b.example\r\n\r\n",
    "Host with path": b"GET / HTTP/1.1\r\nHost: a.example/x\r\n\r\n",
    "Host with space": b"GET / HTTP/1.1\r\nHost: a.example b\r\n\r\n",
    # The target.
    "absolute target of another host": b"GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "absolute target with user": b"GET http://u@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "absolute target of another scheme": b"GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "target with fragment": b"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n",
    "target without slash": b"GET v1/models HTTP/1.1\r\nHost: a\r\n\r\n",
    "target with space": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "target with control character": b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "target beyond ASCII": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "target that is a star": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "target of 9000 bytes": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    # Method and version.
    "CONNECT": b"CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n",
    "TRACE": b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
    "unknown method": b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    "method that is not ours": b"PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n",
    "lower-case method": b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
    "space before the method": b" GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "tab after the method": b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/0.9 by name": b"GET / HTTP/0.9\r\nHost: a\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "HTTP/2.0 on the request line": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP/2.0 that asks to stay": b"GET / HTTP/2.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "lower-case version": b"GET / http/1.1\r\nHost: a\r\n\r\n",
    "space after the version": b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
    "TLS on the plain port": bytes.fromhex("16030100f1010000ed0303") + b"\x00" * 32,
    "upgrade to websocket": GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    # Chunks.
    "chunk size with 0x": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "chunk size with minus": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
    "chunk size with plus": CHUNKED + b"+3\r\nabc\r\n0\r\n\r\n",
    "chunk size with trailing space": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "chunk size beyond 64 bit": CHUNKED + b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "chunk size that is empty": CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
    "chunk size ended by LF": CHUNKED + b"3\nabc\r\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "chunk ended by LF": CHUNKED + b"3\r\nabc\n0\r\n\r\n",
    "chunk extension with LF": CHUNKED + b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "chunk extension with control character": CHUNKED + b"3;a\x01\r\nabc\r\n0\r\n\r\n",
    "chunk extensions without end": CHUNKED + b"1;a=" + b"b" * 200_000,
    "trailers without end": CHUNKED + b"1\r\na\r\n0\r\n" + b"x-t: y\r\n" * 30_000,
    "trailer with bare LF": CHUNKED + b"1\r\na\r\n0\r\nX: 1\nY: 2\r\n\r\n",
    # Sizes.
    "head over 64 KiB in one field": GET + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n",
    "head over 64 KiB in many fields": GET + b"".join(b"x-%d: %b\r\n" % (i, b"a" * 700) for i in range(100)) + b"\r\n",
    "head without end": GET + b"X-A: " + b"a" * 200_000,
    "201 fields": GET + b"".join(b"x-%d: 1\r\n" % number for number in range(200)) + b"\r\n",
    "300 times one field": GET + b"x-a: 1\r\n" * 300 + b"\r\n",
    "body over the limit": POST + b"Content-Length: 2000000\r\n\r\n",
    "chunks over the limit": CHUNKED + b"100000\r\n" + b"a" * 0x100000 + b"\r\n1\r\na\r\n0\r\n\r\n",
    # Fields that decide.
    "two content-types": POST + b"Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 1\r\n\r\na",
    "two content-encodings": POST + b"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
    "unknown content-encoding": POST + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\na",
    "stacked content-encoding": POST + b"Content-Encoding: gzip, zstd\r\nContent-Length: 1\r\n\r\na",
    "unknown expectation": POST + b"Expect: 200-ok\r\nContent-Length: 1\r\n\r\na",
}


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request):
    return ("asyncio", {"use_uvloop": request.param == "uvloop"})


def test_the_table_is_as_long_as_promised():
    assert len(CASES) >= 100


@pytest.mark.anyio
async def test_no_malformed_request_reaches_a_handler():
    """One server for all, so that a case which leaves something behind shows in the next."""
    recorder = Recorder()
    wrong = {}
    async with open_server(recorder, limits=Limits(linger_s=0.2, sweep_s=0.02)) as server:
        for name, data in CASES.items():
            said = await converse(server.port, data)
            codes = answers_in(said)
            if recorder.handled or len(codes) > 1 or not all(400 <= code < 500 or code == 505 for code in codes):
                wrong[name] = (codes, list(recorder.handled))
                recorder.handled.clear()
        assert server.in_flight == 0
        assert server.budget.held == 0
    assert wrong == {}


@pytest.mark.anyio
async def test_nothing_behind_a_malformed_request_is_served():
    recorder = Recorder()
    wrong = {}
    async with open_server(recorder, limits=Limits(linger_s=0.2, sweep_s=0.02)) as server:
        for name, data in CASES.items():
            said = await converse(server.port, data + SMUGGLED)
            if recorder.handled or 200 in answers_in(said):
                wrong[name] = list(recorder.handled)
                recorder.handled.clear()
    assert wrong == {}


@pytest.mark.anyio
async def test_nearly_every_refusal_says_why_in_json():
    """A few are only closed; what is said is the error shape that SDKs read."""
    silent = []
    async with open_server(Recorder(), limits=Limits(linger_s=0.2, sweep_s=0.02)) as server:
        for name, data in CASES.items():
            said = await converse(server.port, data)
            head, _, body = said.partition(b"\r\n\r\n")
            if not said:
                silent.append(name)
                continue
            error = msgspec.json.decode(body)["error"]
            assert error["type"] == "invalid_request_error"
            assert error["message"]
            assert error["code"]
            assert error["param"] is None
            assert b"connection: close" in head
    assert silent == []


@pytest.mark.anyio
@pytest.mark.parametrize("piece", [1, 7])
async def test_segmentation_hides_no_attack(piece):
    """The same bytes in small pieces, as another parser in front might have sent them."""
    recorder = Recorder()
    wrong = {}
    async with open_server(recorder, limits=Limits(linger_s=0.2, sweep_s=0.02)) as server:
        for name, data in CASES.items():
            if len(data) > 400:
                continue
            said = await converse(server.port, *(data[at : at + piece] for at in range(0, len(data), piece)))
            if recorder.handled or 200 in answers_in(said):
                wrong[name] = list(recorder.handled)
                recorder.handled.clear()
    assert wrong == {}
