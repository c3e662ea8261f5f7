"""Providers are reached as the gateway would reach them, without any credential."""

import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import trustme

from keeptrusts.cli.reachability import Probe, list_probes, run_probes
from keeptrusts.config.targets import ProviderTarget

ANSWER = b"HTTP/1.1 404 Not Found\r\ndate: Mon, 23 Nov 2026 14:00:00 GMT\r\ncontent-length: 0\r\n\r\n"


@contextmanager
def server(answer=ANSWER, context=None):
    """Answers one connection; yields its port and the list of requests that came."""
    asked = []

    def serve():
        try:
            connection, _ = listener.accept()
            connection.settimeout(5)
            with context.wrap_socket(connection, server_side=True) if context else connection as stream:
                asked.append(stream.recv(4096))
                stream.sendall(answer)
        except OSError:
            return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], asked
        finally:
            with socket.socket() as last:  # wakes the server where nobody came
                last.settimeout(1)
                last.connect_ex(listener.getsockname())
            thread.join()


def probe(port, **fields):
    return Probe(**({"scheme": "http", "host": "127.0.0.1", "port": port} | fields))


def only(found):
    (one,) = run_probes([found])
    return one


def test_a_server_that_answers_tells_its_clock_and_hears_no_credential():
    with server() as (port, asked):
        found = only(probe(port))
    assert (found.error, found.date) == (None, datetime(2026, 11, 23, 14, tzinfo=UTC))
    assert asked == [b"HEAD / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"]


@pytest.mark.parametrize("answer", [b"", b"rubbish", b"HTTP/1.1 200 OK\r\ndate: whenever\r\n\r\n", b"x" * 40_000])
def test_an_odd_answer_is_still_an_answer(answer):
    with server(answer) as (port, _):
        found = only(probe(port))
    assert (found.error, found.date) == (None, None)


def test_nobody_there_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert only(probe(port)).error == "Connection refused"


def test_certificates_are_checked_against_the_operators_authority(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with server(context=context) as (port, _):
        assert only(probe(port, scheme="https", ca_file=str(tmp_path / "ca.pem"))).error is None
    with server(context=context) as (port, _):
        assert "certificate is not trusted" in only(probe(port, scheme="https")).error


def test_a_proxy_is_reached_in_place_of_the_provider():
    with server() as (port, asked):
        found = only(Probe(scheme="https", host="provider.invalid", port=443, proxy=("127.0.0.1", port)))
    assert (found.error, found.via) == (None, f" (its proxy 127.0.0.1:{port})")
    assert asked in ([], [b""])


def target(name, base_url):
    return ProviderTarget(id=name, provider="any", model="m", base_url=base_url)


def test_each_place_is_tried_once_and_by_way_of_the_proxy():
    targets = [
        target("a", "https://one.example/v1"),
        target("b", "https://one.example"),
        target("c", "http://[::1]:11434"),
        target("d", "https://api.internal.example:8443"),
        ProviderTarget(id="e", provider="openai", model="m"),
    ]
    environment = {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "localhost, .internal.example"}
    probes = list_probes(targets, environment)
    assert [one.origin for one in probes] == [
        "https://one.example:443",
        "http://[::1]:11434",
        "https://api.internal.example:8443",
        "https://api.openai.com:443",
    ]
    assert [one.proxy for one in probes] == [("proxy.example", 3128), None, None, ("proxy.example", 3128)]
    assert [one.proxy for one in list_probes(targets, {})] == [None] * 4


def test_nothing_to_try_is_nothing_to_tell():
    assert list(run_probes([])) == []
