"""`kt gateway`: how it starts, how it refuses to, and what it says of a gateway that runs."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

from fakes.packs import make_pack
from keeptrusts.cli.gateway import app

END_S = 30
HEALTHY = {"status": "healthy", "version": "1"}


def start(folder, *arguments, content=None, **variables):
    """`kt gateway run` on a port of its own, with a sound pack unless told otherwise."""
    pack = folder / "pack.yaml"
    pack.write_bytes(make_pack() if content is None else content)
    inherited = os.environ.items()  # noqa: TID251 - what a child process is given
    environment = {name: value for name, value in inherited if not name.startswith("KEEPTRUSTS_")}
    environment |= {"OPENAI_KEY": "sk-canary", "KEEPTRUSTS_STATE_DIR": str(folder / "state")}
    environment |= {"KEEPTRUSTS_LISTEN": "127.0.0.1:0", "KEEPTRUSTS_POLICY_CONFIG": str(pack)}
    command = [sys.executable, "-m", "keeptrusts", "gateway", "run", *map(str, arguments)]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment | variables,
    )  # fmt: skip


def refused(folder, *arguments, **options):
    """Exit code and standard error of a gateway that does not start; nothing is on standard output, and no trace."""
    out, err = (process := start(folder, *arguments, **options)).communicate(timeout=END_S)
    assert out == ""
    assert "Traceback" not in err
    assert "canary" not in err
    return process.returncode, err


@contextmanager
def running(folder, *arguments, **options):
    """The process and its address, once it serves."""
    process = start(folder, *arguments, **options)
    try:
        line = ""
        while '"ready"' not in line:
            line = process.stderr.readline()
            assert line, process.returncode
        yield process, f"http://127.0.0.1:{json.loads(line)['port']}"
    finally:
        process.kill()
        process.communicate(timeout=END_S)


def health(url, *arguments):
    return CliRunner().invoke(app, ["health", "--url", url, *arguments], catch_exceptions=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end(tmp_path, number):
    with running(tmp_path) as (process, url):
        told = health(url)
        assert (told.exit_code, told.stdout) == (0, f"{url}: healthy\n")
        process.send_signal(number)
        out, err = process.communicate(timeout=END_S)
    assert (process.returncode, out) == (0, "")
    assert '"stopped"' in err


def test_without_a_pack_the_way_to_one_is_told(tmp_path):
    code, err = refused(tmp_path, KEEPTRUSTS_POLICY_CONFIG="")
    assert code == 2
    assert err.startswith("kt: no policy pack: start with --policy-config PATH")


def test_a_pack_that_is_not_there_is_named(tmp_path):
    code, err = refused(tmp_path, "--policy-config", tmp_path / "nope.yaml")
    assert code == 2
    assert f"kt: cannot read the pack {tmp_path}/nope.yaml: No such file or directory. `kt init` writes one" in err


def test_every_problem_of_a_pack_is_told_with_file_place_line_and_way_out(tmp_path):
    content = b"pack: {name: a, version: 1}\npolicies: {chian: []}\nproviders: {targets: []}\n"
    code, err = refused(tmp_path, content=content)
    assert code == 2
    assert f"{tmp_path}/pack.yaml:2:12: E002 policies.chian" in err
    assert "    | policies: {chian: []}\n    = did you mean `chain`?\n" in err
    assert err.count(f"{tmp_path}/pack.yaml:") > 1
    assert err.endswith("kt: the pack is not valid, and no earlier one is at hand: nothing was started\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--listen", "nonsense"], "nonsense"),
        (["--listen", "0.0.0.0:0"], "KEEPTRUSTS_GATEWAY_TOKEN"),
        (["--fail-mode", "open"], "--fail-mode"),
        (["--grace", "-1"], "--grace"),
        (["--tls-cert", "cert.pem"], "--tls-key"),
    ],
)
def test_flags_that_cannot_work_are_bad_input(tmp_path, arguments, said):
    code, err = refused(tmp_path, *arguments)
    assert code == 2
    assert err.startswith("kt: ")
    assert said in err
    assert err.count("\n") == 1


def test_a_ca_file_that_is_none_is_named_with_its_variable(tmp_path):
    code, err = refused(tmp_path, KEEPTRUSTS_CA_FILE=str(tmp_path / "ca.pem"))
    assert code == 2
    assert f"kt: KEEPTRUSTS_CA_FILE: {tmp_path}/ca.pem is no readable file of certificates" in err


def test_an_address_in_use_is_told_with_the_way_out(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, err = refused(tmp_path, "--listen", f"127.0.0.1:{port}")
    assert code == 1
    assert f"kt: cannot listen on 127.0.0.1:{port}: another process listens there" in err
    assert "--listen" in err


def test_a_certificate_that_cannot_be_used_is_told(tmp_path):
    code, err = refused(tmp_path, "--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem")
    assert code == 1
    assert f"kt: the certificate {tmp_path}/cert.pem with the key {tmp_path}/key.pem cannot be used" in err


def test_a_state_directory_in_use_is_told_with_who_uses_it(tmp_path):
    with running(tmp_path) as (process, _):
        code, err = refused(tmp_path)
    assert code == 1
    assert f"is in use by process {process.pid}" in err
    assert "--state-dir" in err


def test_a_state_directory_that_is_a_file_is_told(tmp_path):
    (tmp_path / "state").write_text("")
    code, err = refused(tmp_path)
    assert code == 1
    assert "for state" in err
    assert "KEEPTRUSTS_STATE_DIR" in err


@contextmanager
def answering(status, body):
    """An HTTP server that gives one answer to everything, and where it listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("state", "status", "code"), [("healthy", 200, 0), ("degraded", 200, 0), ("unhealthy", 503, 1)]
)
def test_health_says_how_the_gateway_is_and_fails_when_it_is_not_well(state, status, code):
    with answering(status, json.dumps({"status": state}).encode()) as url:
        told = health(url)
    assert (told.exit_code, told.stdout) == (code, f"{url}: {state}\n")


def test_health_says_what_is_wrong_as_far_as_the_gateway_tells():
    facts = {
        "status": "degraded",
        "providers": {"main": "reachable", "spare": "unavailable"},
        "config": {"source": "last_good", "rejected": ["3:5: E001 policies.chain[0]: no such kind"]},
        "events": {"pending": 0, "dropped": 7},
    }
    with answering(200, json.dumps(facts).encode()) as url:
        told = health(url)
    assert told.exit_code == 0
    assert told.stdout.splitlines() == [
        f"{url}: degraded",
        "  target spare: unavailable",
        "  the pack's newest version is not served: 3:5: E001 policies.chain[0]: no such kind",
        "  the last good pack is served",
        "  events lost since start: 7",
    ]


def test_health_gives_the_whole_answer_to_programs():
    with answering(200, json.dumps(HEALTHY).encode()) as url:
        told = health(f"{url}/", "--json")
    assert json.loads(told.stdout) == HEALTHY


def test_health_asks_through_no_proxy(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with answering(200, json.dumps(HEALTHY).encode()) as url:
        assert health(url).exit_code == 0


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (404, b"not found"), (200, b"[]"), (404, b'{"error": {}}'), (200, b"\xff")]
)
def test_something_else_that_answers_is_no_gateway(status, body):
    with answering(status, body) as url:
        told = health(url)
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr.startswith(f"kt: what answers at {url} is no gateway")


def test_no_answer_is_told_plainly():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    told = health(f"http://127.0.0.1:{port}")
    assert told.exit_code == 1
    assert told.stderr == f"kt: no gateway answers at http://127.0.0.1:{port}: Connection refused\n"


def close_first(server):
    server.accept()[0].close()


def test_a_server_that_closes_without_an_answer_is_no_gateway():
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=close_first, args=(server,))
        thread.start()
        told = health(f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert told.exit_code == 1
    assert told.stderr.startswith("kt: no gateway answers at http://127.0.0.1:")


def test_an_address_that_is_no_url_is_bad_input():
    told = health("localhost:41002")
    assert (told.exit_code, told.stderr) == (2, "kt: --url localhost:41002: expected http:// or https://\n")
