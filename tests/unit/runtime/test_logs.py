"""Logs: JSON lines without secrets and without callers' texts."""

import json
import logging
import sys

import pytest

from keeptrusts.runtime.logs import JsonFormatter, configure_logs


def line(message="done", *arguments, facts=None, error=None, name="keeptrusts.test", level=logging.INFO):
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord(name, level, __file__, 1, message, arguments, exc_info)
    if facts is not None:
        record.facts = facts
    return JsonFormatter().format(record)


def test_a_record_is_one_line_of_json_with_its_facts():
    written = line("pack applied\nat %s", "noon", facts={"config": "blue@1.0", "age": 3})
    assert "\n" not in written
    read = json.loads(written)
    assert read.pop("timestamp").endswith("+00:00")
    assert (read["level"], read["logger"], read["message"]) == ("info", "keeptrusts.test", "pack applied\nat noon")
    assert (read["config"], read["age"]) == ("blue@1.0", 3)


@pytest.mark.parametrize(
    "secret",
    [
        "kt_gk_c0123456789a_secretsecret",
        "kt_ak_abcdefghijkl",
        "sk-proj-abcDEF_123.456",
        "Bearer abcdefghij",
        "bearer abcdefghij",
        "BEARER  abcdefghij",
        "Bearer ab+/cdefghij==",
        "Bearer a+b/c+d/e+f=",
    ],
)
@pytest.mark.parametrize("place", ["message", "fact", "nested"])
def test_what_looks_like_a_credential_is_cut_wherever_it_stands(secret, place):
    facts = {"message": None, "fact": {"header": secret}, "nested": {"all": [{"deep": (secret, 1)}]}}[place]
    written = line(secret if place == "message" else "x", facts=facts)
    json.loads(written)
    assert "***" in written
    for length in (6, len(secret) // 2):
        assert secret[-length:] not in written


def test_words_that_only_begin_like_a_credential_stay():
    assert json.loads(line("task-force sk-5 and Bearer of news"))["message"] == "task-force sk-5 and Bearer of news"


def failing(text):
    with pytest.raises(ValueError, match=text) as raised:
        int(text)
    return raised.value


def test_an_exception_shows_its_type_and_places_and_never_its_text():
    written = line("failed", error=failing("4111 1111 1111 1111"))
    assert "4111" not in written
    kind, *places = json.loads(written)["exception"]
    assert kind == "ValueError"
    assert places[-1].endswith(" failing")


def test_what_the_event_loop_says_of_an_exception_is_not_shown():
    message = "Task exception was never retrieved\nfuture: <Task finished exception=ValueError('4111 1111')>"
    written = line(message, name="asyncio", error=failing("4111 1111"))
    assert "4111" not in written
    assert json.loads(written)["message"] == "Task exception was never retrieved"


def test_facts_of_any_type_are_written_as_text():
    assert json.loads(line(facts={"error": OSError("x"), "set": {1}}))["set"] == "{1}"


def test_facts_cannot_pose_as_another_record():
    read = json.loads(line("real", facts={"level": "debug", "message": "other", "logger": "x", "timestamp": "never"}))
    assert (read["level"], read["message"], read["logger"]) == ("info", "real", "keeptrusts.test")
    assert read["timestamp"] != "never"


@pytest.fixture
def root():
    """The root logger, put back as it was."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield root
    root.handlers[:], root.level = before[0], before[1]


def test_every_record_goes_to_standard_error_once(root, capsys):
    configure_logs("warning")
    configure_logs("warning")
    logging.getLogger("somebody.elses").warning("hello")
    logging.getLogger("somebody.elses").info("not this")
    written = capsys.readouterr()
    assert written.out == ""
    assert [json.loads(text)["message"] for text in written.err.splitlines()] == ["hello"]
    assert root.handlers[0].stream is sys.stderr


def test_facts_of_the_process_stand_in_each_line():
    record = logging.LogRecord("keeptrusts", logging.INFO, __file__, 1, "ready", (), None)
    assert json.loads(JsonFormatter({"worker": 3}).format(record))["worker"] == 3
