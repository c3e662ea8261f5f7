"""Token counts in the shapes of all routes."""

import pytest

from keeptrusts.contract.usage import Usage
from keeptrusts.providers.usage import anthropic_usage, find_counts, openai_usage, read_counts


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"usage":{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":5}}}',
            Usage(input_tokens=9, cached_input_tokens=5, output_tokens=4),
        ),
        (
            b'{"usage":{"input_tokens":9,"output_tokens":4,"input_tokens_details":{"cached_tokens":5}}}',
            Usage(input_tokens=9, cached_input_tokens=5, output_tokens=4),
        ),
        (b'{"usage":{"prompt_tokens":9,"total_tokens":9}}', Usage(input_tokens=9)),
        (b'{"usage":{"prompt_tokens":9,"completion_tokens":null,"prompt_tokens_details":null}}', Usage(input_tokens=9)),
        (b'{"usage":{"prompt_tokens":"many","completion_tokens":4}}', Usage(output_tokens=4)),
        (b'{"usage":{"prompt_tokens":-9,"completion_tokens":4}}', Usage(output_tokens=4)),
    ],
)
def test_openai_counts(body, expected):
    assert openai_usage(find_counts(body)) == expected


def test_sound_is_not_counted_in_tokens():
    assert openai_usage(find_counts(b'{"usage":{"type":"duration","seconds":7}}')) is None


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"usage":null}', b'{"usage":5}', b'{"usage":[]}', b"\xff", b"[" * 99_999]
)
def test_no_counts(body):
    assert find_counts(body) is None


def test_anthropic_counts_leave_the_cache_out_and_ours_do_not():
    counts = read_counts(
        {"input_tokens": 3, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 100, "output_tokens": 7}
    )
    assert anthropic_usage(counts) == Usage(input_tokens=123, cached_input_tokens=20, output_tokens=7)


def test_later_counts_of_a_stream_keep_what_they_leave_out():
    before = Usage(input_tokens=123, cached_input_tokens=20, output_tokens=1)
    assert anthropic_usage(read_counts({"output_tokens": 9}), before) == Usage(
        input_tokens=123, cached_input_tokens=20, output_tokens=9
    )
    assert anthropic_usage(read_counts({}), before) == before
