"""Frames: one kind, one call id, a JSON head and raw bytes; any chunks in, whole frames out.

*Shapes*: kind (1 byte), id (4), length of head (4), length of body (4), all big-endian, then the
head (a JSON object, empty when there is nothing to say) and the body. With PACKED added to the kind
the body is zlib data, and its length that of the data.

A long body is packed when a piece of it says that this is worth it: an archive or an image is not,
and packing it again would cost far more than to send it.

Laws: a decoder gives the same frames however the bytes are cut; it never holds more than one
frame beyond the chunk it was given; what breaks a bound is refused before it is stored.
"""

from __future__ import annotations

import zlib

from herder.wire.json_text import from_json, to_json
from herder.wire.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import struct
    from typing import Any, ClassVar, Dict, List, Tuple

    Head = Dict[str, Any]
    """A frame's JSON object; `messages.py` says which keys it has."""
else:
    import _struct as struct

    Head = dict

HEADER = struct.Struct("!BIII")
HEAD_LIMIT_BYTES = 4 * 1024 * 1024
BODY_LIMIT_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 128 * 1024
PACKED = 0x80
PACK_FROM_BYTES = 8 * 1024
_SAMPLE_BYTES = 4 * 1024
_WORTH_IT = 0.7
_PACK_LEVEL = 1

_EMPTY: Head = {}


class WireError(Exception):
    """The other side did not keep to the wire: a bound, a kind or a shape."""


class Kind(int):
    """What a frame is for; below 16 the controller speaks, from 16 on the agent.

    No Enum: to import that is a tenth of what starts an agent.
    """

    name: str

    SETTINGS: ClassVar[Kind]
    CALL: ClassVar[Kind]
    DATA: ClassVar[Kind]
    END: ClassVar[Kind]
    CREDIT: ClassVar[Kind]
    CANCEL: ClassVar[Kind]
    SUPPLY: ClassVar[Kind]
    PING: ClassVar[Kind]
    CLOSE: ClassVar[Kind]
    REPLY: ClassVar[Kind]
    FAILURE: ClassVar[Kind]
    NEEDS: ClassVar[Kind]
    OUTPUT: ClassVar[Kind]
    GRANT: ClassVar[Kind]
    PONG: ClassVar[Kind]


def _kinds(**numbers: int) -> Dict[int, Kind]:
    kinds: Dict[int, Kind] = {}
    for name, number in numbers.items():
        kind = kinds[number] = Kind(number)
        kind.name = name
        setattr(Kind, name, kind)
    return kinds


_KINDS = _kinds(
    SETTINGS=1,
    CALL=2,
    DATA=3,
    END=4,
    CREDIT=5,
    CANCEL=6,
    SUPPLY=7,
    PING=8,
    CLOSE=9,
    REPLY=16,
    FAILURE=17,
    NEEDS=18,
    OUTPUT=19,
    GRANT=20,
    PONG=21,
)


class Frame(Record):
    """One message; `id` says which call it belongs to (0: the session itself)."""

    kind: Kind
    id: int
    head: Head = _EMPTY
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Frame({self.kind.name}, {self.id}, {self.head}, {len(self.body)} bytes)"


def encode(kind: Kind, id: int, head: Head | None = None, body: bytes = b"") -> bytes:
    """Give the frame's bytes; assumes that the body is within its bound."""
    text = to_json(head, is_compact=True).encode() if head else b""
    packing, body = pack(body)
    return b"".join((HEADER.pack(kind | packing, id, len(text), len(body)), text, body))


def pack(body: bytes) -> Tuple[int, bytes]:
    """Give a body as it is sent, and what that adds to the frame's kind."""
    if len(body) >= PACK_FROM_BYTES and _is_worth_packing(body):
        return PACKED, zlib.compress(body, _PACK_LEVEL)
    return 0, body


def data_header(id: int, packing: int, size: int) -> bytes:
    """Give what stands before a packed body of so many bytes that is sent as DATA."""
    return HEADER.pack(Kind.DATA | packing, id, 0, size)


def _is_worth_packing(body: bytes) -> bool:
    # from the middle: many formats start with a header that packs well
    start = (len(body) - _SAMPLE_BYTES) // 2
    sample = memoryview(body)[start : start + _SAMPLE_BYTES]
    return len(zlib.compress(sample, _PACK_LEVEL)) < _WORTH_IT * _SAMPLE_BYTES


class FrameDecoder:
    """Takes chunks as they come, gives the frames that are whole.

    With `splits_data` the bytes of a long DATA frame are given as they come, as several frames:
    what it carries is a stream, and to gather it first would copy all of it twice.
    """

    def __init__(
        self,
        *,
        head_limit: int = HEAD_LIMIT_BYTES,
        body_limit: int = BODY_LIMIT_BYTES,
        splits_data: bool = False,
    ) -> None:
        self._buffer = bytearray()
        self._splits_data = splits_data
        self._stream = 0
        self._stream_left = 0
        self._head_limit = head_limit
        self._body_limit = body_limit

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._buffer)

    def feed(self, chunk: bytes) -> List[Frame]:
        """Take a chunk, give the frames it completes.

        *Raises*: WireError when a bound is passed or a head is no JSON object; the decoder is
        of no use after that.
        """
        frames: List[Frame] = []
        if self._stream_left:
            piece, chunk = chunk[: self._stream_left], chunk[self._stream_left :]
            self._pass_on(piece, frames)
        self._buffer += chunk
        start = 0
        while len(self._buffer) - start >= HEADER.size:
            kind, id_, head_size, body_size = HEADER.unpack_from(self._buffer, start)
            self._check(head_size, body_size)
            end = start + HEADER.size + head_size + body_size
            if len(self._buffer) < end:
                if self._splits_data and kind == Kind.DATA and not head_size:
                    self._stream, self._stream_left = id_, body_size
                    self._pass_on(bytes(self._buffer[start + HEADER.size :]), frames)
                    start = len(self._buffer)
                break
            frames.append(self._frame(kind, id_, start + HEADER.size, head_size, end))
            start = end
        del self._buffer[:start]
        return frames

    def _pass_on(self, piece: bytes, frames: List[Frame]) -> None:
        self._stream_left -= len(piece)
        if piece:
            frames.append(Frame(Kind.DATA, self._stream, {}, piece))

    def _check(self, head_size: int, body_size: int) -> None:
        if head_size > self._head_limit:
            raise WireError(f"frame head of {head_size} bytes, limit is {self._head_limit} bytes")
        if body_size > self._body_limit:
            raise WireError(f"frame body of {body_size} bytes, limit is {self._body_limit} bytes")

    def _frame(self, kind: int, id_: int, start: int, head_size: int, end: int) -> Frame:
        middle = start + head_size
        with memoryview(self._buffer) as buffer:
            head = _parse_head(bytes(buffer[start:middle])) if head_size else {}
            body = bytes(buffer[middle:end])
        known = _KINDS.get(kind & ~PACKED)
        if known is None:
            raise WireError(f"frame of unknown kind {kind}")
        return Frame(known, id_, head, self._unpacked(body) if kind & PACKED else body)

    def _unpacked(self, body: bytes) -> bytes:
        unpacking = zlib.decompressobj()
        try:
            content = unpacking.decompress(body, self._body_limit)
        except zlib.error as error:
            raise WireError(f"packed frame body: {error}") from None
        if unpacking.unconsumed_tail or not unpacking.eof:
            size = self._body_limit
            raise WireError(f"packed frame body is cut short, or over the limit of {size} bytes")
        return content


def _parse_head(text: bytes) -> Head:
    try:
        head = from_json(text)
    except (ValueError, RecursionError):
        raise WireError(f"frame head is no JSON, it starts {text[:40]!r}") from None
    if not isinstance(head, dict):
        raise WireError(f"frame head is a {type(head).__name__}, not an object")
    return head
