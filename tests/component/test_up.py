"""`kt up` as a process: what it prints works as it stands, offline, and it ends cleanly."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from anthropic import Anthropic
from openai import OpenAI

READY_S = 30


@contextmanager
def running(state: Path, *arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A `kt up` of its own, and what it said when it was ready."""
    process = start(state, *arguments, **variables)
    try:
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said += line
        yield process, said
    finally:
        process.kill()
        process.wait(READY_S)
        process.stdout.close()
        process.stderr.close()


def start(state: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "keeptrusts", "up", "--state-dir", str(state), *(arguments or LISTEN)]
    inherited = os.environ.items()  # noqa: TID251 - what a child process is given
    environment = {name: value for name, value in inherited if not name.endswith("_API_KEY")} | variables
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


LISTEN = ("--listen", "127.0.0.1:0")


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("state")) as (_, text):
        yield text


@pytest.fixture
def url(said) -> str:
    return re.search(r"http://[0-9.:]+", said)[0]


def printed_calls(said: str) -> list[tuple[str, str]]:
    """The URL and body of each curl command that was printed, as a shell would read it."""
    lines = said.replace("\\\n", "").splitlines()
    commands = [shlex.split(line) for line in lines if line.startswith("  curl ")]
    return [(command[2], command[command.index("-d") + 1]) for command in commands]


def call(command: tuple[str, str]) -> str:
    address, body = command
    answer = httpx2.post(address, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_the_first_call_shows_a_redaction_on_the_way_in(said):
    answer = call(printed_calls(said)[0])
    assert "You said: Please repeat: my e-mail is [EMAIL]" in answer
    assert "ada@example.com" not in answer


def test_the_second_call_shows_a_redaction_on_the_way_out_while_it_streams(said):
    answer = call(printed_calls(said)[1])
    texts = re.findall(r'"content":"([^"]*)"', answer)
    assert len(texts) > 3
    assert "[EMAIL]" in "".join(texts)
    assert "jane.doe" not in "".join(texts)
    assert "4111" not in "".join(texts)
    assert answer.endswith("data: [DONE]\n\n")


def test_the_command_for_events_shows_what_was_decided(said):
    call(printed_calls(said)[0])
    command = next(line for line in said.splitlines() if "events tail" in line).split()
    arguments = [sys.executable, "-m", "keeptrusts", *command[command.index("events") :]]
    shown = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=READY_S).stdout
    assert "redact" in shown
    assert "ada@example.com" not in shown


def test_both_sdks_are_served(url):
    with OpenAI(base_url=f"{url}/v1", api_key="none") as openai:
        chat = openai.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "mail ada@example.com"}]
        )
        assert chat.choices[0].message.content == "You said: mail [EMAIL]"
        assert "gpt-4o-mini" in {model.id for model in openai.models.list()}
    with Anthropic(base_url=url, api_key="none") as anthropic:
        message = anthropic.messages.create(
            model="claude-haiku-4-5", max_tokens=9, messages=[{"role": "user", "content": "mail ada@example.com"}]
        )
        assert message.content[0].text == "You said: mail [EMAIL]"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(tmp_path, number):
    with running(tmp_path) as (process, _):
        process.send_signal(number)
        out, err = process.communicate(timeout=READY_S)
        assert (process.returncode, out, err) == (0, "\nStopped.\n", "")


def test_an_address_in_use_is_told_plainly(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start(tmp_path, "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
        out, err = process.communicate(timeout=READY_S)
    assert (process.returncode, out) == (1, "")
    assert "another process listens there" in err
    assert "--listen" in err
    assert "Traceback" not in err


def test_a_state_directory_in_use_is_told_plainly(tmp_path):
    with running(tmp_path):
        process = start(tmp_path)
        _, err = process.communicate(timeout=READY_S)
    assert process.returncode == 1
    assert "is in use by process" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("listen", ["nonsense", "0.0.0.0:0"])
def test_an_address_that_cannot_be_served_is_bad_input(tmp_path, listen):
    process = start(tmp_path, "--listen", listen)
    _, err = process.communicate(timeout=READY_S)
    assert process.returncode == 2
    assert err.startswith("kt: ")
    assert "Traceback" not in err


def test_a_token_is_asked_for_and_the_printed_calls_bring_it(tmp_path):
    token = "a-token-of-sixteen-characters"
    with running(tmp_path, KEEPTRUSTS_GATEWAY_TOKEN=token) as (_, said):
        assert said.count('-H "authorization: Bearer $KEEPTRUSTS_GATEWAY_TOKEN"') == 2
        assert token not in said
        address, body = printed_calls(said)[0]
        assert httpx2.post(address, content=body).status_code == 401
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        assert httpx2.post(address, content=body, headers=headers).status_code == 200


def test_with_a_provider_key_nothing_is_faked(tmp_path):
    with running(tmp_path, OPENAI_API_KEY="sk-secret") as (_, said):
        assert "fake" not in said
        assert "sk-secret" not in said
        pack = Path(re.search(r"^Pack: (.*)$", said, re.MULTILINE)[1]).read_text()
        assert "env: OPENAI_API_KEY" in pack
        assert "fake" not in pack
