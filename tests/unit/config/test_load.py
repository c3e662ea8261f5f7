"""The one judge: a pack, or every problem at once; whatever the text, never an exception and never a second."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.config.load import BadSettings, Judged, compile_policy
from keeptrusts.config.problems import InvalidPack
from unit.config.samples import JUDGE, KINDS, codes, judge, pack

SMALL = """\
pack: {name: team-a, version: 0.10, description: "two\\nlines"}
policies:
  chain:
    - sound
    - cap
policy:
  sound: {action: redact, words: [one, two]}
  cap:
    cap: 5
providers:
  targets:
    - id: main
      provider: openai
      model: gpt-4o-mini
      aliases: [small, "gpt-4*"]
      base_url: https://api.openai.com
      secret_key_ref: {env: TEAM_A_KEY}
      headers: {openai-organization: org-1}
      timeouts: {connect_s: 5, idle_s: 0.5}
  routing: {strategy: ordered}
limits:
  max_in_flight: 1_000
"""
SOUND = SMALL.replace("1_000", "1000")


def test_a_sound_pack_is_accepted_without_a_word():
    judged = judge(pack())
    assert judged.problems == judged.warnings == ()
    assert judged.accepted().pack.name == "team-a"


def test_the_version_is_what_is_written():
    for written, version in [
        ("0.10", "0.10"),
        ("1.0", "1.0"),
        ("1", "1"),
        ("'1.10'", "1.10"),
        ("1e2", "1e2"),
        ("0x10", "0x10"),
    ]:
        text = SMALL.replace("0.10", written).replace("1_000", "1000")
        assert JUDGE.judge(text).accepted().pack.version == version


@pytest.mark.parametrize("written", ["", "~", "true", "[1]", "1/2", ".inf"])
def test_a_version_that_is_no_version_is_refused(written):
    judged = JUDGE.judge(SMALL.replace("0.10", written).replace("1_000", "1000"))
    assert [path for _, path in codes(judged.problems)] == ["pack.version"]


def test_numbers_are_those_of_yaml_1_2():
    (problem,) = JUDGE.judge(SMALL).problems
    assert (problem.code, problem.path, problem.line, problem.column) == ("E004", "limits.max_in_flight", 22, 18)
    assert problem.excerpt == "max_in_flight: 1_000"


def test_problems_of_every_sort_come_at_once_in_the_order_of_the_text():
    text = (
        "pack: {name: A, version: 1}\npack: {}\npolicies: {chain: [nope, sound, sound, later]}\n"
        "policy: {sound: {words: [bad]}}\nzzz: 1\n"
        "providers: {targets: [{id: a, provider: groq, model: m}]}\n"
    )
    assert codes(JUDGE.judge(text).problems) == [
        ("E004", "pack.name"),
        ("E006", "pack"),
        ("E001", "policies.chain[0]"),
        ("E005", "policies.chain[2]"),
        ("E008", "policies.chain[3]"),
        ("E004", "policy.sound.words[0]"),
        ("E002", "zzz"),
        ("E004", "providers.targets[0].base_url"),
    ]


def test_what_a_policy_refuses_to_compile_is_a_problem_with_its_place():
    (problem,) = judge(pack(policy={"sound": {"words": ["fine", "bad"]}})).problems
    assert problem.path == "policy.sound.words[1]"
    assert (problem.message, problem.suggestion) == ("this word cannot be compiled", "take another word")


def test_a_problem_is_told_once():
    judged = judge(pack(policy={"sound": {"words": "bad"}}))
    assert codes(judged.problems) == [("E004", "policy.sound.words")]


@pytest.mark.parametrize("text", ["[]", "x", "1", "~", "- pack: {}"])
def test_what_is_no_mapping_is_no_pack(text):
    assert codes(JUDGE.judge(text).problems) == [("E004", "")]


def test_a_file_of_another_tool_is_one_problem():
    judged = JUDGE.judge("model_list:\n  - model_name: a\n    nope: 1\n")
    assert codes(judged.problems) == [("E007", "model_list")]
    assert "LiteLLM" in judged.problems[0].message


def test_a_refused_pack_is_an_exception_for_those_who_want_a_pack():
    with pytest.raises(InvalidPack) as refused:
        judge(pack(zzz=1)).accepted()
    assert codes(refused.value.problems) == [("E002", "zzz")]


@pytest.mark.parametrize("text", ["\ud800", b"\xff", b"", "a: \x00"])
def test_texts_that_cannot_be_read_are_problems_too(text):
    assert [problem.code for problem in JUDGE.judge(text).problems] == ["E006"]


def test_warnings_do_not_refuse():
    judged = judge(pack(policies={"chain": []}))
    assert judged.pack is not None
    assert codes(judged.warnings) == [("W002", "policies.chain")]


def test_a_credential_over_plain_http_refuses_where_tls_is_required():
    judged = JUDGE.judge(SOUND.replace("https://api.openai.com", "http://10.0.0.7"))
    assert judged.accepted() is judged.pack
    with pytest.raises(InvalidPack, match="plain http") as refused:
        judged.accepted(require_tls=True)
    [problem] = refused.value.problems
    assert (problem.code, problem.path, problem.line) == ("tls_required", "providers.targets[0].base_url", 16)
    assert "KEEPTRUSTS_REQUIRE_TLS" in problem.suggestion
    assert JUDGE.judge(SOUND).accepted(require_tls=True).pack.name == "team-a"


def test_a_credential_that_may_be_among_warnings_that_are_not_listed_refuses_too():
    bare = "\n".join(f"    - {{id: t{number}, provider: openai, model: m}}" for number in range(110))
    judged = JUDGE.judge(SOUND.replace("  targets:\n", f"  targets:\n{bare}\n"))
    assert len(judged.accepted().providers.targets) == 111
    with pytest.raises(InvalidPack) as refused:
        judged.accepted(require_tls=True)
    assert [problem.path for problem in refused.value.problems] == [""]


def test_a_policy_compiles_or_says_where_it_cannot():
    assert compile_policy(KINDS["sound"], {"action": "block"}).action == "block"
    for settings, path in [({"words": ["bad"]}, ("policy", "sound", "words", 0)), ({"nope": 1}, ("policy", "sound"))]:
        with pytest.raises(BadSettings) as refused:
            compile_policy(KINDS["sound"], settings)
        assert refused.value.problems[0].path == path


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"k{i}: 1\n" for i in range(9_000)),
        "{" + "".join(f'"k{i}": 1, ' for i in range(9_000)) + '"token": "x"}',
        "providers: {targets: [" + "{id: a, provider: b, model: 1}," * 3_000 + "]}",
        "providers: {targets: [{id: a, provider: openai, model: m, aliases: ["
        + '"a*a*a*a*b",' * 100
        + "]},"
        + "{id: a, provider: openai, model: "
        + "a" * 128
        + "}," * 400
        + "]}",
        "policies: {chain: [" + "sound, " * 9_000 + "]}",
        f"pack: {{name: {'a' * 250_000}, version: 1}}",
        f"pack: {{name: {'key' * 80_000}, version: 1}}",
        f"{'a' * 250_000}: 1",
        "policy: {" + ", ".join(f"soun{i}: x" for i in range(6_000)) + "}",
        "providers: {targets: [{headers: {" + ", ".join(f'"é{i}": "é"' for i in range(6_000)) + "}}]}",
        "pack: {description: [" + "x," * 9_000 + "]}",
        "a: &a [" + "x," * 900 + "]\nb: [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n",
        "pack: {version: " + "9" * 100_000 + "}",
        "providers: {targets: [{base_url: https://" + "a." * 120_000 + "}]}",
        "\x85" * 100_000 + "a: [",
    ],
    ids=range(15),
)
@pytest.mark.usefixtures("untraced")
def test_hostile_packs_are_judged_within_a_second(text):
    JUDGE.judge("")
    begin = time.process_time()
    judged = JUDGE.judge(text)
    assert time.process_time() - begin < 1.0
    assert judged.problems
    assert len(judged.problems) <= 100


BITS = [
    "\n",
    "  ",
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    ",",
    '"',
    "'",
    "~",
    "0",
    "-1",
    "1e9",
    "*",
    "&a ",
    "*a",
    "!!str ",
    "<<: ",
    "|",
    "\t",
    "é",
    "#",
    "\x1b",
    "%",
    "@",
    "`",
    "sk-abcdefgh",
    "yes",
    "null",
    "providers",
    "policy",
    "chain",
    "sound",
    "nope",
    "secret",
]


def mutate(chance, text):
    """A near miss: a few cuts, copies, swaps of lines and insertions."""
    for _ in range(chance.randint(1, 4)):
        at, end = sorted((chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)))
        end = min(end, at + chance.choice([1, 3, 20, 60]))
        match chance.randrange(5):
            case 0:
                text = text[:at] + text[end:]
            case 1:
                text = text[:at] + chance.choice(BITS) + text[at:]
            case 2:
                text = text[:at] + chance.choice(BITS) + text[end:]
            case 3:
                text = text[:end] + text[at:end] + text[end:]
            case _:
                lines = text.split("\n")
                one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
                lines[one], lines[other] = lines[other], lines[one]
                text = "\n".join(lines)
    return text


def check(text):
    begin = time.process_time()
    judged = JUDGE.judge(text)
    assert time.process_time() - begin < 1.0
    assert isinstance(judged, Judged)
    assert (judged.pack is None) is bool(judged.problems)
    for problem in (*judged.problems, *judged.warnings):
        assert (problem.line, problem.column) >= (1, 1)
        assert problem.message
        assert len(problem.excerpt) <= 120
        shown = problem.path + problem.message + problem.excerpt + problem.suggestion
        assert shown.isprintable()
        assert "sk-abcdefgh" not in shown


def fuzz(count, seed):
    chance = random.Random(seed)
    sound = SMALL.replace("1_000", "1000")
    for _ in range(count):
        check(mutate(chance, sound))


def test_three_hundred_near_misses_are_judged():
    fuzz(300, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_ten_thousand_near_misses_are_judged(seed):
    fuzz(2_500, seed)


@given(st.binary(max_size=60))
def test_any_bytes_are_judged(data):
    judged = JUDGE.judge(data)
    assert judged.problems
