"""Content encodings: decoders that stop at a limit before the memory is spent, and an encoder for answers.

gzip, deflate (with or without its zlib wrapper, as senders differ) and zstd; one layer, one member, nothing behind it.
"""

import asyncio
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol

import zstandard

PIECE = 65536  # bytes decoded at a time
ZSTD_SLICE = (
    128  # bytes fed at a time: four can decode to 128 KiB and zstandard knows no output limit, so 4 MiB at most
)
ZSTD_WINDOW = 8 * 1024 * 1024  # RFC 9659: what a decoder of HTTP content must offer, and may insist on
YIELD_EVERY = 262144  # bytes decoded before other tasks get their turn
FREE_OF_RATIO = 65536  # bytes that any body may decode to, however small it came: short texts repeat themselves
ENCODE_FROM = 4096
ENCODE_UP_TO = {b"zstd": 1048576, b"gzip": 262144}


class BadBody(ValueError):
    """The body is not what its content-encoding says."""


class UnsupportedEncoding(BadBody):
    """An encoding that is not decoded here, or more than one layer."""


class BodyTooLarge(ValueError):
    """The body decodes to more than its limit."""


class Decoder(Protocol):
    """Decodes one body that arrives in pieces."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces as they can be had. Raises BadBody, BodyTooLarge."""

    def finish(self) -> None:
        """The input is over. Raises BadBody where it was cut short."""


class _Meter:
    """Counts what went in and came out."""

    def __init__(self, max_bytes: int, max_ratio: int | None) -> None:
        self.taken = 0
        self._given = 0
        self._max_bytes = max_bytes
        self._max_ratio = max_ratio

    def count(self, piece: bytes) -> bytes:
        self._given += len(piece)
        if self._given > self._max_bytes:
            raise BodyTooLarge(f"the body decodes to more than {self._max_bytes} bytes")
        ratio = self._max_ratio
        if ratio is not None and self._given > FREE_OF_RATIO and self._given > ratio * self.taken:
            raise BodyTooLarge(f"the body decodes to more than {ratio} times its size")
        return piece


class ZlibDecoder:
    """gzip, or deflate in either of its two shapes."""

    def __init__(self, encoding: bytes, meter: _Meter) -> None:
        self._name = encoding.decode()
        self._meter = meter
        self._zlib = zlib.decompressobj(31) if encoding == b"gzip" else None
        self._first = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._meter.taken += len(data)
        if self._zlib is None:
            self._first += data
            if len(self._first) < 2:  # the zlib wrapper is known by its first two bytes
                return
            data, self._first = self._first, b""
            is_wrapped = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._zlib = zlib.decompressobj(15 if is_wrapped else -15)
        elif self._zlib.eof and data:
            raise BadBody(f"bytes follow the {self._name} body")
        yield from self._inflate(self._zlib, data)

    def finish(self) -> None:
        if self._zlib is None or not self._zlib.eof:
            raise BadBody(f"the {self._name} body is cut short")

    def _inflate(self, stream: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
        while True:
            try:
                piece = stream.decompress(data, PIECE)
            except zlib.error as error:
                raise BadBody(f"the body is not valid {self._name}") from error
            if piece:
                yield self._meter.count(piece)
            if stream.unused_data:
                raise BadBody(f"bytes follow the {self._name} body")
            data = stream.unconsumed_tail
            if stream.eof or (not data and len(piece) < PIECE):
                return


class ZstdDecoder:
    """One zstd frame."""

    def __init__(self, meter: _Meter) -> None:
        self._meter = meter
        self._frame = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj(write_size=PIECE)

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._meter.taken += len(data)
        frame = self._frame
        for start in range(0, len(data), ZSTD_SLICE):
            if frame.eof:
                raise BadBody("bytes follow the zstd body")
            try:
                piece = frame.decompress(data[start : start + ZSTD_SLICE])
            except zstandard.ZstdError as error:
                raise BadBody("the body is not valid zstd") from error
            if piece:
                yield self._meter.count(piece)
        if frame.unused_data:
            raise BadBody("bytes follow the zstd body")

    def finish(self) -> None:
        if not self._frame.eof:
            raise BadBody("the zstd body is cut short")


def normal_encoding(encoding: bytes) -> bytes | None:
    """b"gzip", b"deflate", b"zstd", or None for identity. Raises UnsupportedEncoding for anything else."""
    name = encoding.strip(b" \t").lower()
    if name in {b"", b"identity"}:
        return None
    if name == b"x-gzip":  # RFC 9110 8.4.1.3: the same
        return b"gzip"
    if name not in {b"gzip", b"deflate", b"zstd"}:
        raise UnsupportedEncoding("content-encoding must be one of gzip, deflate, zstd, in one layer")
    return name


def find_decoder(encoding: bytes, max_bytes: int, *, max_ratio: int | None) -> Decoder | None:
    """A decoder for one body, None for identity. Raises UnsupportedEncoding."""
    name = normal_encoding(encoding)
    if name is None:
        return None
    meter = _Meter(max_bytes, max_ratio)
    return ZstdDecoder(meter) if name == b"zstd" else ZlibDecoder(name, meter)


async def decode_body(encoding: bytes, body: bytes, max_bytes: int, *, max_ratio: int | None) -> bytes:
    """The whole body decoded, other tasks getting their turn meanwhile. Raises BadBody, BodyTooLarge."""
    decoder = find_decoder(encoding, max_bytes, max_ratio=max_ratio)
    if decoder is None:
        return body
    pieces: list[bytes] = []
    since = 0
    for piece in decoder.feed(body):
        pieces.append(piece)
        since += len(piece)
        if since >= YIELD_EVERY:
            since = 0
            await asyncio.sleep(0)
    decoder.finish()
    return b"".join(pieces)


def encode_body(accept_encoding: bytes, body: bytes) -> tuple[bytes, bytes] | None:
    """(content-encoding, body) for an answer of a size worth it, zstd before gzip; None: send it as it is."""
    if len(body) < ENCODE_FROM or not accept_encoding:
        return None
    for name in _acceptable(accept_encoding[:256]):
        if len(body) <= ENCODE_UP_TO[name]:
            encoded = zstandard.ZstdCompressor(level=1).compress(body) if name == b"zstd" else _gzip(body)
            return (name, encoded) if len(encoded) < len(body) else None
    return None


def _gzip(body: bytes) -> bytes:
    stream = zlib.compressobj(1, zlib.DEFLATED, 31)
    return stream.compress(body) + stream.flush()


@lru_cache(maxsize=256)
def _acceptable(accept_encoding: bytes) -> tuple[bytes, ...]:
    """Of what we can make, what the client takes (RFC 9110 12.5.3), the better one first."""
    weights: dict[bytes, float] = {}
    for item in accept_encoding.lower().split(b","):
        name, _, parameter = (part.strip() for part in item.partition(b";"))
        weights[name] = _weight(parameter)
    anything = weights.get(b"*", 0.0)
    return tuple(name for name in (b"zstd", b"gzip") if weights.get(name, anything) > 0)


def _weight(parameter: bytes) -> float:
    if not parameter:
        return 1.0
    key, _, value = parameter.partition(b"=")
    try:
        return float(value) if key.strip() == b"q" else 1.0
    except ValueError:
        return 0.0
