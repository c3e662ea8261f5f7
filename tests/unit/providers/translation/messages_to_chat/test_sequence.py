import pytest

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.messages_to_chat.completion import Function, ToolCall
from keeptrusts.providers.translation.messages_to_chat.sequence import BlockSequence
from unit.providers.translation.messages_to_chat.answering import names_of

START, DELTA, STOP = "content_block_start", "content_block_delta", "content_block_stop"


def call(index=None, arguments=None, *, name=None, identifier=None):
    return ToolCall(index=index, id=identifier, function=Function(name, arguments))


class Recorder:
    def __init__(self):
        self.sequence = BlockSequence("msg_x")
        self.out: list[bytes] = []

    def text(self, text, kind="text"):
        return self._take(lambda out: self.sequence.add_text(kind, text, out))

    def call(self, *args, position=0, **members):
        return self._take(lambda out: self.sequence.add_call(call(*args, **members), position, out))

    def close(self, *, is_cut_short=False):
        return self._take(lambda out: self.sequence.close(out, is_cut_short=is_cut_short))

    def _take(self, act):
        out: list[bytes] = []
        act(out)
        self.out += out
        return names_of(out)


@pytest.fixture
def recorder():
    return Recorder()


def test_a_text_is_written_as_it_comes(recorder):
    assert recorder.text("a") == [START, DELTA]
    assert recorder.text("b") == [DELTA]
    assert recorder.close() == [STOP]
    assert recorder.close() == []


def test_a_text_ends_where_another_begins(recorder):
    recorder.text("a", "thinking")
    assert recorder.text("b") == [DELTA, STOP, START, DELTA]
    assert b"keeptrusts-unsigned" in recorder.out[-4]
    assert recorder.text("c", "refusal") == [STOP, START, DELTA]
    assert recorder.sequence.refuses


def test_arguments_are_written_as_they_come(recorder):
    assert recorder.call(0, "", name="f", identifier="a") == [START]
    assert recorder.call(0, '{"x"') == [DELTA]
    assert recorder.call(0, ":1}") == [DELTA]
    assert recorder.call(1, "", name="g", identifier="b") == [STOP, START]


def test_a_call_waits_while_another_is_not_whole(recorder):
    recorder.call(0, "{", name="f", identifier="a")
    assert recorder.call(1, "{", name="g", identifier="b") == []
    assert recorder.call(1, "}") == []
    assert recorder.text("behind") == []
    assert recorder.call(0, "}") == [DELTA, STOP, START, DELTA, STOP, START, DELTA]
    assert recorder.close() == [STOP]


def test_a_call_without_arguments_is_over_only_at_the_end(recorder):
    recorder.call(0, "", name="f", identifier="a")
    assert recorder.call(1, "{}", name="g", identifier="b") == []
    assert recorder.close() == [STOP, START, DELTA, STOP]


def test_a_call_begins_when_its_name_is_known(recorder):
    assert recorder.call(0, "{", identifier="a") == []
    assert recorder.call(0, "}", name="f") == [START, DELTA]


def test_calls_that_share_an_index_are_told_apart_by_their_id(recorder):
    recorder.call(0, "{}", name="f", identifier="a")
    assert recorder.call(0, "{}", name="f", identifier="b") == [STOP, START, DELTA]
    assert recorder.call(0, "{}", name="f", identifier="c") == [STOP, START, DELTA]


def test_whole_calls_without_index_and_id_are_told_apart_by_their_names(recorder):
    recorder.call(None, "{}", name="f")
    assert recorder.call(None, "{}", name="f") == [STOP, START, DELTA]
    assert b'"toolu_x_0"' in recorder.out[0]
    assert b'"toolu_x_1"' in recorder.out[3]


def test_a_name_or_id_that_is_repeated_begins_no_call(recorder):
    recorder.call(0, '{"a"', name="f", identifier="a")
    assert recorder.call(0, ":1}", name="f", identifier="a") == [DELTA]
    assert recorder.call(0, "", name="f", identifier="a") == []


def test_blanks_behind_whole_arguments_are_nothing_and_more_is_an_error(recorder):
    recorder.call(0, "{}", name="f", identifier="a")
    recorder.text("x")
    assert recorder.call(0, "\n") == []
    with pytest.raises(Fault) as raised:
        recorder.call(0, "{}")
    assert raised.value.code is Code.UPSTREAM_ERROR


@pytest.mark.parametrize("arguments", ["{", "[]", "{}{}", "x}"])
def test_arguments_that_are_no_object_are_an_error_at_the_end(recorder, arguments):
    recorder.call(0, arguments, name="f", identifier="a")
    with pytest.raises(Fault):
        recorder.close()


def test_a_call_that_never_got_a_name_is_an_error(recorder):
    recorder.call(0, "{}", identifier="a")
    with pytest.raises(Fault):
        recorder.close(is_cut_short=True)


def test_arguments_that_the_limit_cut_short_end_as_they_are(recorder):
    recorder.call(0, "{", name="f", identifier="a")
    assert recorder.close(is_cut_short=True) == [STOP]


def test_a_call_that_was_cut_short_while_it_waited_is_left_out(recorder):
    recorder.call(0, "", name="f", identifier="a")
    recorder.call(1, "{", name="g", identifier="b")
    assert recorder.close(is_cut_short=True) == [STOP]


def test_only_the_last_call_can_have_been_cut_short(recorder):
    recorder.call(0, "{", name="f", identifier="a")
    recorder.call(1, "{}", name="g", identifier="b")
    with pytest.raises(Fault):
        recorder.close(is_cut_short=True)
