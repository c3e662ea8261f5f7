import json

from hypothesis import given, settings
from hypothesis import strategies as st

from keeptrusts.contract.call import Fragment, Path, Piece
from keeptrusts.providers import sse, streams
from keeptrusts.providers.json_body import replace_at
from keeptrusts.providers.template import Template, make_template, with_text

PATH: Path = ("choices", 0, "delta", "content")


def chunk(text: str, **others: object) -> dict[str, object]:
    delta = {"content": text}
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}], **others}


def event_of(tree: object, *, spaced: bool = False, ascii_only: bool = False) -> bytes:
    separators = (", ", ": ") if spaced else (",", ":")
    return b"data: " + json.dumps(tree, separators=separators, ensure_ascii=ascii_only).encode() + b"\n\n"


def template_of(tree: dict[str, object], *, spaced: bool = False) -> Template:
    made = make_template(event_of(tree, spaced=spaced), tree, PATH)
    assert made is not None
    return made


words = st.text(alphabet='ab"\\\n é{}:,😀', max_size=8)


@given(text=words, padding=st.none() | st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True), spaced=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_fitting_event_is_read_and_changed_as_if_it_had_been_decoded(text, padding, spaced):
    others = {} if padding is None else {"obfuscation": padding}
    template = template_of(chunk("hello", **({} if padding is None else {"obfuscation": "zz9"})), spaced=spaced)
    for ascii_only in (False, True):
        event = event_of(chunk(text, **others), spaced=spaced, ascii_only=ascii_only)
        found = template.find(event)
        assert found is not None
        said, literal = found
        assert said == text
        changed = with_text(Piece(event=event, fragments=(Fragment(0, PATH, said),), literal=literal), {PATH: 'n"é'})
        assert streams.find_tree(sse.parse(changed)[1]) == chunk('n"é', **others)


near_misses = st.sampled_from([
    chunk("a", obfuscation="b c"), chunk("a", obfuscation='"'), chunk("a", usage={"prompt_tokens": 1}),
    chunk("a", error={"message": "b"}), chunk("a", obfuscation="b", error="c"), {**chunk("a"), "id": "d"},
    replace_at(chunk("a"), {("choices", 0, "finish_reason"): "stop"}),
    replace_at(chunk("a"), {("choices", 0, "index"): 1}),
    replace_at(chunk("a"), {PATH: None}),
    replace_at(chunk("a"), {("choices", 0, "delta"): {"content": "a", "refusal": "b"}}),
])  # fmt: skip


@given(miss=near_misses, padded=st.booleans())
@settings(max_examples=40, deadline=None)
def test_an_event_that_says_anything_else_does_not_fit(miss, padded):
    template = template_of(chunk("hello", obfuscation="zz9") if padded else chunk("hello"))
    assert template.find(event_of(miss)) is None


@given(
    at=st.integers(0, 200), byte=st.sampled_from([b'"', b"\\", b"x", b"{", b"\n", b"\xff", b""]), padded=st.booleans()
)
@settings(max_examples=150, deadline=None)
def test_whatever_fits_differs_in_text_and_padding_alone(at, byte, padded):
    others = {"obfuscation": "zz9"} if padded else {}
    event = event_of(chunk("hello", **others))
    template = template_of(chunk("hello", **others))
    broken = event[:at] + byte + event[at + 1 :]
    found = template.find(broken)
    if found is not None:
        tree = streams.find_tree(sse.parse(broken)[1])
        assert tree is not None
        assert tree == chunk(found[0], **({"obfuscation": tree["obfuscation"]} if padded else {}))


def test_control_characters_bad_bytes_and_lone_surrogates_do_not_fit():
    template = template_of(chunk("hello"))
    for literal in (b'"a\x01"', b'"a\nb"', b'"\xff"', rb'"\ud800"', rb'"\q"', b'"a', b"null", b'["a"]'):
        assert template.find(event_of(chunk("hello")).replace(b'"hello"', literal)) is None


def test_a_text_inside_a_key_or_another_string_is_never_taken_for_the_text():
    for name in ('hello":"hello', '"content":"hello"', "hello"):
        tree = {name: "x", **chunk("hello")}
        made = make_template(event_of(tree), tree, PATH)
        found = made.find(event_of({name: "x", **chunk("other")})) if made else None
        assert found is None or found[0] == "other"


def test_an_event_with_a_repeated_key_gives_no_template():
    event = event_of(chunk("hello")).replace(b'"content":"hello"', b'"content":"a","content":"hello"')
    assert make_template(event, chunk("hello"), PATH) is None


def test_an_oddly_spelled_text_gives_no_template():
    event = event_of(chunk("hello")).replace(b'"hello"', rb'"h\u0065llo"')
    assert make_template(event, chunk("hello"), PATH) is None


@given(number=st.sampled_from(["0", "7", "1234", "-1", "1.5", "1e3", "07", "true", '"7"']), text=words)
@settings(max_examples=60, deadline=None)
def test_a_number_before_the_text_may_differ_if_it_is_whole(number, text):
    tree = {"type": "t", "sequence_number": 12, "delta": "hello"}
    template = make_template(event_of(tree), tree, ("delta",))
    assert template is not None
    event = event_of({**tree, "delta": text}).replace(b"12", number.encode(), 1)
    found = template.find(event)
    if number in {"0", "7", "1234"}:
        assert found is not None
        assert found[0] == text
    else:
        assert found is None
