"""One record on disk: a mark to find it by, a checksum to prove it, and bytes whose meaning is somebody else's.

Layout, little endian: mark (3 bytes), kind (1), length of the payload (4), CRC-32 (4), sequence number (8), payload.
The mark holds a byte that no UTF-8 text contains: after damage the next record is found by looking for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from zlib import crc32

HEADER = Struct("<3scIIQ")
MARK = b"\xffKT"
MAX_PAYLOAD_BYTES = 1 << 20

HEAD = b"h"  # first record of a segment; its number is that of the first event to come
PROTECTED_HEAD = b"p"  # the same, and nothing in the segment may be dropped before it was acknowledged
EVENT = b"e"
GAP = b"g"  # numbered like an event: it says which numbers are gone
NOTE = b"n"  # not numbered, for recovery only

HEADS = frozenset((HEAD, PROTECTED_HEAD))
NUMBERED = frozenset((EVENT, GAP))
_pack = HEADER.pack
_KINDS = HEADS | NUMBERED | {NOTE}


@dataclass(frozen=True, slots=True)
class Record:
    """A record whose checksum holds. `end` is the offset behind it, within what was scanned."""

    kind: bytes
    seq: int
    payload: bytes
    end: int


def encode_record(kind: bytes, seq: int, payload: bytes) -> bytes:
    """The bytes of one record, to be written in one go."""
    length = len(payload)
    start = (seq ^ seq >> 32 ^ kind[0] << 24 ^ length) & 0xFFFF_FFFF  # as in _checksum, without the call
    return _pack(MARK, kind, length, crc32(payload, start), seq) + payload


def scan_records(data: bytes, start: int = 0, *, is_whole: bool) -> Iterator[Record]:
    """The intact records of a segment, from `start`; damage is stepped over.

    `is_whole` says that nothing will be added to the data: what looks cut short is then damage, not a write under way.
    """
    while (start := data.find(MARK, start)) >= 0:
        record = _read_record(data, start)
        if record is not None:
            yield record
            start = record.end
        elif is_whole or not _may_be_unfinished(data, start):
            start += 1
        else:
            return


def _read_record(data: bytes, start: int) -> Record | None:
    body = start + HEADER.size
    if body > len(data):
        return None
    _, kind, length, checksum, seq = HEADER.unpack_from(data, start)
    end = body + length
    if kind not in _KINDS or length > MAX_PAYLOAD_BYTES or end > len(data):
        return None
    payload = data[body:end]
    return Record(kind, seq, payload, end) if _checksum(kind, seq, payload) == checksum else None


def _may_be_unfinished(data: bytes, start: int) -> bool:
    body = start + HEADER.size
    if body > len(data):
        return True
    _, kind, length, _, _ = HEADER.unpack_from(data, start)
    return kind in _KINDS and length <= MAX_PAYLOAD_BYTES and body + length > len(data)


def _checksum(kind: bytes, seq: int, payload: bytes) -> int:
    """Over the payload, begun from the header's fields, so that it vouches for them as well."""
    return crc32(payload, (seq ^ seq >> 32 ^ kind[0] << 24 ^ len(payload)) & 0xFFFF_FFFF)
