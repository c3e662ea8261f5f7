import gzip
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.runtime.http.compression import (
    BadBody,
    BodyTooLarge,
    UnsupportedEncoding,
    decode_body,
    encode_body,
    find_decoder,
    normal_encoding,
)


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


ENCODERS = {
    "gzip": (b"gzip", gzip.compress),
    "deflate": (b"deflate", zlib.compress),
    "raw deflate": (b"deflate", raw_deflate),
    "zstd": (b"zstd", zstandard.ZstdCompressor().compress),
    "zstd of unknown size": (b"zstd", lambda data: zstandard.ZstdCompressor(write_content_size=False).compress(data)),
}
texts = st.lists(st.sampled_from([b"data: ", b"hello", b"\n\n", b"\x00", b"x" * 5000]), max_size=30).map(b"".join)


def decode(encoding, data, cuts=(), *, limit=1 << 24, ratio=None) -> bytes:
    decoder = find_decoder(encoding, limit, max_ratio=ratio)
    out, position = [], 0
    for cut in [*sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]:
        out += decoder.feed(data[position:cut])
        position = cut
    decoder.finish()
    return b"".join(out)


@pytest.mark.parametrize("name", ENCODERS)
@given(text=texts, cuts=st.lists(st.integers(1, 300), max_size=6))
def test_segmentation_never_changes_what_is_decoded(name, text, cuts):
    encoding, encode = ENCODERS[name]
    assert decode(encoding, encode(text), cuts) == text


@pytest.mark.parametrize("name", ENCODERS)
def test_what_is_cut_short_or_goes_on_is_an_error(name):
    encoding, encode = ENCODERS[name]
    data = encode(b"hello" * 100)
    for cut in range(len(data)):
        with pytest.raises(BadBody):
            decode(encoding, data[:cut])
    for cuts in ((), (len(data),)):
        with pytest.raises(BadBody):
            decode(encoding, data + b"x", cuts)
        with pytest.raises(BadBody):
            decode(encoding, data + data, cuts)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_body_stops_at_its_limit_after_little_work(name):
    encoding, encode = ENCODERS[name]
    bomb = encode(bytes(50_000_000))
    decoder = find_decoder(encoding, 1_000_000, max_ratio=None)
    out: list[bytes] = []
    with pytest.raises(BodyTooLarge, match="1000000 bytes"):
        out.extend(decoder.feed(bomb))
    assert sum(map(len, out)) <= 1_000_000


@pytest.mark.parametrize("name", ENCODERS)
def test_a_body_stops_at_a_hundred_times_its_size(name):
    encoding, encode = ENCODERS[name]
    with pytest.raises(BodyTooLarge, match="100 times"):
        decode(encoding, encode(bytes(5_000_000)), ratio=100)
    assert decode(encoding, encode(bytes(60_000)), ratio=100) == bytes(60_000)  # short and dull is no bomb


def test_a_window_that_http_does_not_know_is_refused():
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=24)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = compressor.compress(b"hello" * 10) + compressor.flush()
    with pytest.raises(BadBody):
        decode(b"zstd", data)


@pytest.mark.anyio
@pytest.mark.parametrize("name", ENCODERS)
async def test_a_whole_body_is_decoded(name):
    encoding, encode = ENCODERS[name]
    text = b'{"a": [1, 2, 3]}' * 50_000
    assert await decode_body(encoding, encode(text), 1 << 24, max_ratio=None) == text
    assert await decode_body(b"identity", text, 1, max_ratio=1) == text


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (b"GZip", b"gzip"),
        (b"x-gzip", b"gzip"),
        (b" zstd ", b"zstd"),
        (b"identity", None),
        (b"", None),
        (b"deflate", b"deflate"),
    ],
)
def test_encodings_have_one_spelling(said, meant):
    assert normal_encoding(said) == meant


@pytest.mark.parametrize("said", [b"br", b"gzip, gzip", b"gzip,identity", b"compress", b"aes128gcm", b"*"])
def test_other_encodings_and_layers_are_refused(said):
    with pytest.raises(UnsupportedEncoding):
        normal_encoding(said)


BODY = b'{"text": "hello"}' * 1000


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        (b"zstd, gzip", b"zstd"),
        (b"gzip, deflate, br, zstd", b"zstd"),
        (b"gzip", b"gzip"),
        (b"GZIP;Q=0.5", b"gzip"),
        (b"gzip;q=0.5, zstd;q=0", b"gzip"),
        (b"*", b"zstd"),
        (b"*;q=0", None),
        (b"zstd;q=0, *", b"gzip"),
        (b"br", None),
        (b"identity", None),
        (b"gzip;q=x", None),
        (b"", None),
    ],
)
def test_an_answer_is_encoded_as_its_client_takes_it(accept, encoding):
    encoded = encode_body(accept, BODY)
    if encoding is None:
        assert encoded is None
    else:
        assert encoded is not None
        assert encoded[0] == encoding
        assert decode(encoding, encoded[1]) == BODY


@pytest.mark.parametrize(
    ("accept", "size", "is_encoded"),
    [
        (b"zstd", 4095, False),
        (b"zstd", 4096, True),
        (b"zstd", 1_048_576, True),
        (b"zstd, gzip", 1_048_577, False),
        (b"gzip", 262_144, True),
        (b"gzip", 262_145, False),
    ],
)
def test_only_sizes_that_are_worth_it_are_encoded(accept, size, is_encoded):
    assert (encode_body(accept, b"x" * size) is not None) is is_encoded
