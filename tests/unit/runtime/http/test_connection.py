"""A client's connection fed by hand: no sockets."""

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keeptrusts.runtime.http.connection import ClientConnection, Pool
from keeptrusts.runtime.http.errors import ConnectionLost, Phase, ProtocolError, TimedOut, TooLarge, Truncated
from keeptrusts.runtime.http.messages import Origin, Request, Timeouts
from keeptrusts.runtime.http.sweep import Sweeper

ORIGIN = Origin("http", "a.example", 80)
REQUEST = Request(origin=ORIGIN, head=b"POST / HTTP/1.1\r\nhost: a.example\r\n", body=b"hello", max_response_bytes=1000)
OK = b"HTTP/1.1 200 OK\r\n"


class Transport:
    """Remembers what was done to it."""

    def __init__(self) -> None:
        self.written = b""
        self.is_aborted = False
        self.pending = 0

    def write(self, data):
        self.written += data

    def writelines(self, parts):
        self.written += b"".join(parts)

    def get_write_buffer_size(self):
        return self.pending

    def is_closing(self):
        return self.is_aborted

    def abort(self):
        self.is_aborted = True


class Waiter:
    """A future without a loop."""

    def __init__(self) -> None:
        self.is_done = False

    def done(self):
        return self.is_done

    def set_result(self, result):
        assert result is None
        assert not self.is_done
        self.is_done = True


class Talk:
    """One connection with a request sent."""

    def __init__(self, request: Request = REQUEST) -> None:
        self.sweeper = Sweeper(1.0)
        self.pool = Pool(("", ORIGIN), self.sweeper)
        self.connection = ClientConnection(self.pool)
        self.transport = Transport()
        self.connection.connection_made(self.transport)
        self.send(request)

    def send(self, request: Request = REQUEST):
        self.waiter = Waiter()
        self.response = self.connection.begin(request, self.waiter)

    def hear(self, data: bytes, cuts=()):
        position = 0
        for cut in [*sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]:
            if not self.transport.is_aborted:
                self.connection.data_received(data[position:cut])
            position = cut
        return self

    def lose(self, exc=None):
        self.connection.connection_lost(exc)
        return self

    def facts(self):
        response = self.response
        return (
            response.status,
            response.headers if response.status else None,
            b"".join(response.pieces),
            response.is_complete,
            type(response.failure),
            response.is_close_delimited,
            self.pool.find_idle() is self.connection,
            self.transport.is_aborted,
        )


ANSWERS = {
    "with length": OK + b"Content-Length: 5\r\nX-A: 1\r\nx-a: 2 \r\n\r\nhello",
    "in chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nx-t: 1\r\n\r\n",
    "after interim answers": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK
    + b"Content-Length: 2\r\n\r\nok",
    "without body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "that closes": OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok",
    "of HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "that asks for an early end": OK + b"Keep-Alive: timeout=5, max=100\r\nContent-Length: 2\r\n\r\nok",
}  # fmt: skip
ENDS = [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", b"garbage", b"H"]
END_POINT = OK + b"Content-Length: 0\r\n\r\n"


@given(answer=st.sampled_from(sorted(ANSWERS.values())), cuts=st.lists(st.integers(1, 200), max_size=8))
@example(answer=ANSWERS["after interim answers"], cuts=list(range(200)))
def test_segmentation_never_changes_what_is_heard(answer, cuts):
    assert Talk().hear(answer, cuts).facts() == Talk().hear(answer).facts()


@given(
    answer=st.sampled_from(sorted(ANSWERS.values())),
    end=st.sampled_from(ENDS[1:]),
    cuts=st.lists(st.integers(1, 200), max_size=8),
)
def test_whatever_follows_an_answer_is_never_heard(answer, end, cuts):
    clean, dirty = Talk().hear(answer).facts(), Talk().hear(answer + end, cuts).facts()
    assert dirty[:6] == clean[:6]
    assert dirty[6:] == (False, True)


@given(answer=st.sampled_from([ANSWERS["with length"], ANSWERS["in chunks"]]), cut=st.integers(1, 70))
def test_an_answer_cut_anywhere_is_never_complete(answer, cut):
    talk = Talk().hear(answer[: min(cut, len(answer) - 1)]).lose()
    assert talk.response.is_complete
    assert isinstance(talk.response.failure, Truncated)


def test_the_request_is_one_piece_with_its_length():
    assert Talk().transport.written == b"POST / HTTP/1.1\r\nhost: a.example\r\ncontent-length: 5\r\n\r\nhello"


def test_a_large_body_is_sent_whole():
    body = b"x" * 100_000
    talk = Talk(Request(origin=ORIGIN, head=REQUEST.head, body=body))
    assert talk.transport.written.endswith(b"content-length: 100000\r\n\r\n" + body)


def test_the_head_wakes_the_sender_before_the_body_is_there():
    talk = Talk().hear(OK + b"Content-Length: 5\r\nX-A: 1\r\nx-a: 2 \r\n\r\nhe")
    assert talk.waiter.is_done
    assert talk.response.headers == {b"content-length": b"5", b"x-a": b"1, 2"}
    assert not talk.response.is_complete


@pytest.mark.parametrize(
    ("name", "is_reused"),
    [
        ("with length", True),
        ("in chunks", True),
        ("after interim answers", True),
        ("without body", True),
        ("that closes", False),
        ("of HTTP/1.0", False),
    ],
)
def test_only_an_exact_end_lets_a_connection_serve_again(name, is_reused):
    talk = Talk().hear(ANSWERS[name])
    assert talk.response.is_complete
    assert talk.response.failure is None
    assert (talk.connection in talk.pool.idle) is is_reused
    assert talk.transport.is_aborted is not is_reused


def test_a_connection_serves_several_calls():
    talk = Talk()
    for name in ("with length", "in chunks", "after interim answers", "without body"):
        talk.hear(ANSWERS[name])
        assert talk.pool.find_idle() is talk.connection
        talk.send()
    talk.hear(ANSWERS["in chunks"])
    assert b"".join(talk.response.pieces) == b"hello"


def test_an_answer_that_overtakes_the_request_costs_the_connection():
    talk = Talk()
    talk.transport.pending = 1
    talk.hear(ANSWERS["with length"])
    assert talk.response.failure is None
    assert talk.transport.is_aborted
    assert talk.pool.idle == []


def test_bytes_that_nobody_asked_for_cost_the_connection():
    talk = Talk().hear(ANSWERS["with length"]).hear(b"\r\n")
    assert talk.transport.is_aborted
    assert talk.pool.find_idle() is None


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        OK + b"Content-Length: x\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\n\r\nabc",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 099 Odd\r\n\r\n",
        b"HTTP/1.1 600 Odd\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 11,
        OK + b"X: a\nY: b\r\n\r\n",
        OK + b"X: a\r\n folded\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"<html>",
    ],
)
def test_an_answer_that_can_be_read_two_ways_is_none(answer):
    talk = Talk().hear(answer)
    assert isinstance(talk.response.failure, ProtocolError)
    assert talk.transport.is_aborted
    assert not talk.pool.idle


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"x-a: " + b"a" * 70_000,
        OK + b"".join(b"x-%d: 1\r\n" % number for number in range(201)) + b"content-length: 0\r\n\r\n",
        OK + b"set-cookie: 1\r\n" * 300 + b"content-length: 0\r\n\r\n",
        OK + b"x-a: " + b"a" * 70_000 + b"\r\ncontent-length: 0\r\n\r\n",
        OK + b"Content-Length: 1001\r\n\r\n" + b"x" * 1001,
        OK + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001,
    ],
)
def test_an_answer_over_its_limits_ends_the_call(answer):
    talk = Talk().hear(answer)
    assert isinstance(talk.response.failure, TooLarge)
    assert talk.transport.is_aborted


def test_chunks_that_are_mostly_framing_end_the_call():
    talk = Talk().hear(OK + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 140_000)
    assert isinstance(talk.response.failure, ProtocolError)


def test_a_body_may_end_with_the_connection_only_where_that_was_said():
    said = Talk().hear(OK + b"Connection: close\r\n\r\nabc").lose()
    assert said.response.failure is None
    assert said.response.is_close_delimited
    old = Talk().hear(b"HTTP/1.0 200 OK\r\n\r\nabc").lose()
    assert old.response.failure is None
    silent = Talk().hear(OK + b"\r\nabc").lose()
    assert isinstance(silent.response.failure, Truncated)
    broken = Talk().hear(OK + b"Connection: close\r\n\r\nabc").lose(ConnectionResetError())
    assert isinstance(broken.response.failure, Truncated)
    headless = Talk().hear(OK + b"Connection: close\r\n").lose()
    assert isinstance(headless.response.failure, Truncated)


def test_a_connection_lost_before_an_answer_says_so():
    talk = Talk().lose()
    assert isinstance(talk.response.failure, ConnectionLost)
    assert talk.pool.size == 0
    assert not talk.connection.was_stale(talk.response.failure)


def test_only_a_used_connection_that_dies_at_once_was_stale():
    stale = Talk().hear(ANSWERS["with length"])
    stale.pool.find_idle()
    stale.send()
    stale.lose()
    assert stale.connection.was_stale(stale.response.failure)

    later = Talk().hear(ANSWERS["with length"])
    later.send()
    later.sweeper.now += 2.0
    later.lose()
    assert not later.connection.was_stale(later.response.failure)

    begun = Talk().hear(ANSWERS["with length"])
    begun.send()
    begun.hear(b"HTTP/1.1 ").lose()
    assert not begun.connection.was_stale(begun.response.failure)


def test_a_connection_that_closes_under_the_request_is_stale():
    talk = Talk().hear(ANSWERS["with length"])
    talk.transport.is_aborted = True
    talk.send()
    assert talk.connection.was_stale(talk.response.failure)
    assert talk.waiter.is_done


@pytest.mark.parametrize(
    ("heard", "after_s", "phase"),
    [
        (b"", 11, Phase.FIRST_BYTE),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", 11, Phase.FIRST_BYTE),
        (OK + b"Content-Length: 5\r\n\r\nhe", 6, Phase.IDLE),
        (OK + b"Content-Length: 5\r\n\r\nhe", 31, Phase.TOTAL),
    ],
)
def test_each_phase_of_a_call_has_its_time(heard, after_s, phase):
    timeouts = Timeouts(first_byte_s=10, idle_s=5, total_s=30)
    talk = Talk(Request(origin=ORIGIN, head=REQUEST.head, timeouts=timeouts))
    if heard:
        talk.hear(heard)
    talk.connection.sweep(talk.sweeper.now + 4)
    assert talk.response.failure is None
    talk.connection.sweep(talk.sweeper.now + after_s)
    assert isinstance(talk.response.failure, TimedOut)
    assert talk.response.failure.phase is phase
    assert talk.response.failure.was_sent


def test_an_idle_connection_is_kept_as_long_as_its_server_says():
    talk = Talk().hear(ANSWERS["that asks for an early end"])
    talk.connection.sweep(talk.sweeper.now + 3.9)
    assert not talk.transport.is_aborted
    talk.connection.sweep(talk.sweeper.now + 4.1)
    assert talk.transport.is_aborted


def test_an_idle_connection_is_kept_for_less_than_a_minute():
    talk = Talk().hear(ANSWERS["with length"])
    talk.sweeper.now += 60
    assert talk.pool.find_idle() is None
    assert talk.transport.is_aborted


def test_giving_up_closes_the_connection_once():
    talk = Talk()
    talk.response.abort()
    talk.response.abort()
    assert talk.transport.is_aborted
    assert talk.lose().response.is_complete
    done = Talk().hear(ANSWERS["with length"])
    done.response.abort()
    assert done.connection in done.pool.idle


@pytest.mark.anyio
async def test_the_future_of_a_loop_does_as_a_waiter():
    talk = Talk()
    talk.waiter = asyncio.get_running_loop().create_future()
    talk.response = talk.connection.begin(REQUEST, talk.waiter)
    talk.hear(ANSWERS["with length"])
    await talk.waiter
    assert talk.response.status == 200
