import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keeptrusts.gateway.http.budget import Budget
from keeptrusts.gateway.http.exchange import BodyRule, Exchange
from keeptrusts.gateway.http.reader import Refused, RequestReader
from keeptrusts.gateway.http.refusals import Refusal
from keeptrusts.runtime.board import make_board
from keeptrusts.runtime.counters import Gauge

LARGE = BodyRule(1 << 20)


class Owner:
    """Takes what a reader finds; answers nothing."""

    is_paused = False

    def __init__(self, rule: BodyRule | Refusal = LARGE, budget: int = 1 << 30) -> None:
        self.found: list[Exchange] = []
        self.continues = 0
        self.rule = rule
        self.budget = Budget(budget, Gauge(make_board(1)))
        self.reader = RequestReader(self, self, self.budget, peer="192.0.2.1", is_tls=False)

    def admit(self, head):
        del head
        return self.rule

    def ready(self, exchange):
        self.found.append(exchange)

    def expects_continue(self):
        self.continues += 1

    def read(self, data: bytes, cuts: list[int] = ()):
        """Feed in pieces; what was found, and the status of the refusal that ended it."""
        position = 0
        try:
            for cut in sorted({cut for cut in cuts if 0 < cut < len(data)}):
                self.reader.feed(data[position:cut])
                position = cut
            self.reader.feed(data[position:])
        except Refused as refused:
            return self.facts(), refused.refusal.status
        return self.facts(), None

    def facts(self):
        return [
            (one.head.method, one.head.path, one.head.query, one.head.headers, one.body, one.keeps_alive, one.is_1_1)
            for one in self.found
        ]


PLAIN = (
    b"POST /v1/chat/completions?x=1 HTTP/1.1\r\nHost: a.example\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello"
)
CHUNKED = (
    b"POST /v1/messages HTTP/1.1\r\nhost: a.example\r\ntransfer-encoding: Chunked\r\n\r\n"
    b"3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nx-trailer: 1\r\n\r\n"
)
GET = b"\r\nGET /v1/models HTTP/1.1\r\nHOST: a.example:8080\r\nX-A: 1 \t\r\nx-a: 2\r\n\r\n"
OLD = b"GET /healthz HTTP/1.0\r\n\r\n"
LAST = b"POST / HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"
BAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
parts = st.lists(st.sampled_from([PLAIN, CHUNKED, GET]), max_size=3)
ends = st.sampled_from([b"", OLD, LAST, BAD, b"GET / HTTP/1.1\r\n"])


@given(parts=parts, end=ends, cuts=st.lists(st.integers(1, 700), max_size=12))
@example(parts=[PLAIN, CHUNKED, GET], end=BAD, cuts=list(range(700)))
def test_segmentation_never_changes_what_is_read(parts, end, cuts):
    data = b"".join(parts) + end
    assert Owner().read(data, cuts) == Owner().read(data)


def test_a_request_is_read_with_its_parts_apart():
    (request,), refused = Owner().read(PLAIN)
    method, path, query, headers, body, keeps_alive, is_1_1 = request
    assert (method, path, query, body) == ("POST", "/v1/chat/completions", b"x=1", b"hello")
    assert headers == {b"host": b"a.example", b"content-type": b"a/b", b"content-length": b"5"}
    assert keeps_alive
    assert is_1_1
    assert refused is None


def test_chunks_are_joined_and_trailers_dropped():
    (request,), _ = Owner().read(CHUNKED)
    assert request[4] == b"abcde"
    assert b"x-trailer" not in request[3]


def test_repeated_fields_are_joined_without_the_space_around_them():
    (request,), _ = Owner().read(GET)
    assert request[3][b"x-a"] == b"1, 2"


@pytest.mark.parametrize("name", [b"Authorization", b"X-Api-Key", b"Api-Key"])
def test_repeated_credentials_are_shown_to_the_handler(name):
    owner = Owner()
    owner.read(b"GET / HTTP/1.1\r\nHost: a\r\n%b: one\r\n%b: two\r\n\r\n" % (name, name) + PLAIN)
    first, second = owner.found
    assert first.head.has_repeated_credentials
    assert first.head.headers[name.lower()] == b"one, two"
    assert not second.head.has_repeated_credentials


def test_a_repeated_field_that_is_no_credential_is_not_shown_as_one():
    owner = Owner()
    owner.read(GET)
    assert not owner.found[0].head.has_repeated_credentials


def test_an_absolute_target_of_this_host_is_a_path():
    (request,), _ = Owner().read(b"GET HTTP://A.example/v1/models?x HTTP/1.1\r\nHost: a.example\r\n\r\n")
    assert request[1:3] == ("/v1/models", b"x")


def test_an_old_client_is_served_and_not_kept():
    (request,), _ = Owner().read(OLD)
    assert request[5:] == (False, False)


def test_the_target_of_one_host_is_not_taken_for_that_of_another():
    facts, refused = Owner().read(
        b"GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n" + b"GET http://a/x HTTP/1.1\r\nHost: b\r\n\r\n"
    )
    assert len(facts) == 1
    assert refused == 400


def test_a_body_is_refused_before_it_is_read():
    owner = Owner(BodyRule(10))
    assert owner.read(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n") == ([], 413)


def test_chunks_are_refused_as_soon_as_they_are_too_many():
    owner = Owner(BodyRule(10))
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    owner.reader.feed(head + b"8\r\n12345678\r\n")
    with pytest.raises(Refused) as refused:
        owner.reader.feed(b"8\r\n1234")
    assert refused.value.refusal.status == 413
    owner.reader.close()
    assert owner.budget.held == 0


def test_a_refusal_of_the_handler_ends_the_connection_where_a_body_was_announced():
    owner = Owner(Refusal(401, b"", b"who?"))
    assert owner.read(PLAIN) == ([], 401)


def test_a_refusal_of_the_handler_without_a_body_keeps_the_connection():
    owner = Owner(Refusal(401, b"", b"who?"))
    facts, refused = owner.read(GET + GET)
    assert len(facts) == 2
    assert refused is None
    assert owner.found[0].refusal == owner.rule


def test_bodies_are_charged_to_the_budget_until_it_is_spent():
    owner = Owner(budget=8)
    owner.read(PLAIN)
    assert owner.budget.held == owner.found[0].charge == 5
    assert owner.read(PLAIN)[1] == 503
    assert owner.budget.held == 5


@pytest.mark.parametrize(
    "body", [b"Content-Length: 9\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n"]
)
def test_a_body_over_the_budget_is_refused_without_a_trace(body):
    owner = Owner(budget=8)
    assert owner.read(b"POST / HTTP/1.1\r\nHost: a\r\n" + body)[1] == 503
    owner.reader.close()
    assert owner.budget.held == 0


def test_a_waiting_client_is_told_to_go_on_only_after_it_was_let_in():
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n"
    let_in, refused, bodiless = Owner(), Owner(BodyRule(2)), Owner()
    assert let_in.read(head + b"Content-Length: 5\r\n\r\n") == ([], None)
    assert refused.read(head + b"Content-Length: 5\r\n\r\n") == ([], 413)
    bodiless.read(head + b"\r\n")
    assert (let_in.continues, refused.continues, bodiless.continues) == (1, 0, 0)


def test_a_handler_that_fails_on_a_head_is_not_the_clients_fault():
    owner = Owner()
    owner.admit = lambda head: 1 // 0
    reader = RequestReader(owner, owner, owner.budget, peer="", is_tls=False)
    with pytest.raises(ZeroDivisionError):
        reader.feed(GET)


H2C = (
    b"POST /x HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: 5\r\nHost: a\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\n"
    b"User-Agent: Java-http-client/21\r\n\r\nhello"
)


def test_an_offer_to_speak_http_2_is_ignored():
    owner = Owner()
    assert owner.read(H2C[:-3]) == ([], None)
    owner.read(b"llo")
    facts, refused = owner.read(H2C + PLAIN)
    assert [fact[4] for fact in facts] == [b"hello"] * 3
    assert refused is None
    assert b"upgrade" not in facts[0][3]
    assert owner.budget.held == 15


def test_an_offer_whose_head_comes_in_pieces_is_refused():
    """Not nice, but never wrong: nothing of it is read twice."""
    assert Owner().read(H2C, [30]) == ([], 400)
    assert Owner().read(PLAIN + H2C)[1] == 400


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c, websocket", b"TLS/1.0"])
def test_another_protocol_is_refused(protocol):
    assert Owner().read(H2C.replace(b"h2c", protocol)) == ([], 400)


def one_by_one(*requests: bytes):
    owner = Owner()
    for request in requests:
        facts, refused = owner.read(request)
    return facts, refused


OTHER_LENGTH = PLAIN.replace(b"Length: 5", b"Length: 7").replace(b"hello", b"goodbye")
BODILESS = b"GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
again = st.lists(
    st.sampled_from([PLAIN, OTHER_LENGTH, BODILESS, CHUNKED, GET, PLAIN[:50], PLAIN[50:], LAST]), max_size=8
)


@given(requests=again)
@example(requests=[PLAIN, PLAIN, OTHER_LENGTH, PLAIN, BODILESS, BODILESS, BODILESS, CHUNKED, PLAIN, PLAIN, LAST, PLAIN])
def test_a_head_that_is_known_is_read_as_if_it_were_not(requests):
    """Bytes together are parsed, requests one by one are mostly recognized: the outcome is the same."""
    data = b"".join(requests)
    assert one_by_one(*requests, b"") == Owner().read(data)


def test_a_known_head_with_a_body_over_the_limit_is_refused_like_any():
    owner = Owner(BodyRule(6))
    owner.read(PLAIN)
    assert owner.read(PLAIN)[1] is None
    assert owner.read(OTHER_LENGTH)[1] == 413


def test_a_known_head_is_admitted_again_each_time():
    owner = Owner()
    owner.read(PLAIN)
    owner.rule = Refusal(401, b"", b"revoked")
    assert owner.read(PLAIN)[1] == 401


def test_the_size_of_a_head_counts_even_in_the_shadow_of_a_large_body():
    """A long head that begins in the same read as the end of the request before is measured exactly."""
    before = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000
    fine = b"GET / HTTP/1.1\r\nHost: a\r\nx-a: %b\r\n\r\n" % (b"a" * 60_000)
    over = b"GET / HTTP/1.1\r\nHost: a\r\nx-a: %b\r\n\r\n" % (b"a" * 70_000)
    assert Owner().read(before + fine)[1] is None
    assert Owner().read(before + over)[1] == 431
    assert Owner().read(before + over, [120_000])[1] == 431


@pytest.mark.parametrize("length", [None, 10_000], ids=["chunked", "announced"])
def test_a_body_in_very_many_pieces_is_put_together_as_it_comes(length):
    owner, piece = Owner(), bytes(range(100))
    framing = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
    owner.reader.feed(b"POST / HTTP/1.1\r\nhost: a\r\n%b\r\n\r\n" % framing)
    for _ in range(100):
        owner.reader.feed(b"64\r\n%b\r\n" % piece if length is None else piece)
    owner.reader.feed(b"0\r\n\r\n" if length is None else b"")
    owner.reader.feed(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nnew")
    assert [one.body for one in owner.found] == [piece * 100, b"new"]
