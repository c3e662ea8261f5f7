"""Token counts in the shapes of all routes."""

import msgspec
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
        (
            b'{"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":2,"cache_write_tokens":5}}}',
            Usage(input_tokens=9, cached_input_tokens=2, cache_write_tokens=5),
        ),
        (
            (
                b'{"usage":{"prompt_tokens":9,"completion_tokens":7,"prompt_tokens_details":{"audio_tokens":8},'
                b'"completion_tokens_details":{"audio_tokens":6,"reasoning_tokens":1}}}'
            ),
            Usage(input_tokens=9, audio_input_tokens=8, output_tokens=7, audio_output_tokens=6),
        ),
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


ANTHROPIC = {
    "input_tokens": 3,
    "cache_read_input_tokens": 20,
    "cache_creation_input_tokens": 100,
    "cache_creation": {"ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 40},
    "server_tool_use": {"web_search_requests": 2},
    "output_tokens": 7,
}
READ = Usage(
    input_tokens=123,
    cached_input_tokens=20,
    cache_write_tokens=100,
    cache_write_1h_tokens=40,
    output_tokens=7,
    web_searches=2,
)


def test_anthropic_counts_leave_the_cache_out_and_ours_do_not():
    assert anthropic_usage(read_counts(ANTHROPIC)) == READ


def test_later_counts_of_a_stream_keep_what_they_leave_out():
    later = anthropic_usage(read_counts({"output_tokens": 9}), READ)
    assert later == msgspec.structs.replace(READ, output_tokens=9)
    assert anthropic_usage(read_counts({}), READ) == READ


def test_later_counts_of_a_stream_are_cumulative_and_add_nothing_to_the_earlier_ones():
    assert anthropic_usage(read_counts(ANTHROPIC), READ) == READ


def test_what_is_kept_for_an_hour_is_remembered_where_the_end_of_a_stream_says_only_the_sum():
    end = {"input_tokens": 3, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 100, "output_tokens": 9}
    assert anthropic_usage(read_counts(end), READ).cache_write_1h_tokens == 40


@pytest.mark.parametrize("tier", ["flex", "priority", "fast"])
def test_openai_says_beside_the_usage_how_it_served_a_call(tier):
    body = b'{"service_tier":"%b","usage":{"prompt_tokens":9}}' % tier.encode()
    assert openai_usage(find_counts(body)) == Usage(input_tokens=9, service_tier=tier)
    assert openai_usage(read_counts({"prompt_tokens": 9}, tier)) == Usage(input_tokens=9, service_tier=tier)


@pytest.mark.parametrize("tier", ["default", "on_demand", "standard", "", "\\u0000", 5, None])
def test_whatever_else_it_says_is_the_usual_price(tier):
    body = msgspec.json.encode({"service_tier": tier, "usage": {"prompt_tokens": 9}})
    assert openai_usage(find_counts(body)) == Usage(input_tokens=9)
    assert openai_usage(read_counts({"prompt_tokens": 9}, tier)) == Usage(input_tokens=9)


def test_anthropic_says_in_the_usage_whether_it_was_fast():
    fast = anthropic_usage(read_counts({"input_tokens": 9, "speed": "fast", "service_tier": "priority"}))
    assert fast == Usage(input_tokens=9, service_tier="fast")
    assert anthropic_usage(read_counts({"output_tokens": 5}), fast).service_tier == "fast"


def test_what_is_kept_for_an_hour_is_part_of_what_was_written():
    counts = {"input_tokens": 3, "cache_creation": {"ephemeral_1h_input_tokens": 40}}
    assert anthropic_usage(read_counts(counts)).cache_write_1h_tokens == 0


@pytest.mark.parametrize(
    ("body", "output"),
    [
        ({"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135}, 103),
        ({"prompt_tokens": 21, "total_tokens": 81}, 60),
        ({"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}, 5),
        ({"prompt_tokens": 8, "total_tokens": 8}, 0),
        ({"prompt_tokens": 8, "completion_tokens": 4, "total_tokens": 0}, 4),
    ],
)
def test_what_the_total_has_beyond_the_input_is_output(body, output):
    counts = read_counts(body)
    assert openai_usage(counts).output_tokens == output


@pytest.mark.parametrize("number", [b"9" * 4000, b"9" * 30, b"1e400"])
def test_a_number_that_is_no_count_is_left_out(number):
    body = b'{"usage": {"prompt_tokens": 7, "completion_tokens": %b}}' % number
    counts = find_counts(body)
    assert counts is None or (counts.prompt_tokens, counts.completion_tokens) == (7, None)
