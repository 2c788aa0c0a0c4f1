"""wire/frames.py: frames survive any cutting, and nothing else gets through."""

from __future__ import annotations

import random
import zlib

import pytest

from herder.wire.frames import HEADER, PACKED, Frame, FrameDecoder, Kind, WireError, encode

FRAMES = [
    Frame(Kind.PING, 0),
    Frame(Kind.CALL, 1, {"operation": "stat", "path": "/ü"}, b""),
    Frame(Kind.DATA, 4_000_000_000, {}, b"\0\xff" * 40),
    Frame(Kind.REPLY, 7, {"a": [1, None, {"b": 2.5}]}, b"body"),
    Frame(Kind.DATA, 8, {}, b"the same line again\n" * 500),
]
BYTES = b"".join(encode(frame.kind, frame.id, frame.head, frame.body) for frame in FRAMES)


@pytest.mark.parametrize("cut", range(len(BYTES) + 1))
def test_frames_are_the_same_wherever_the_bytes_are_cut(cut: int) -> None:
    """A pipe gives bytes in any pieces."""
    decoder = FrameDecoder()

    frames = decoder.feed(BYTES[:cut]) + decoder.feed(BYTES[cut:])

    assert frames == FRAMES
    assert decoder.pending == 0


def test_frames_come_byte_by_byte() -> None:
    """A terminal on the way may give single bytes."""
    decoder = FrameDecoder()

    frames = [frame for byte in BYTES for frame in decoder.feed(bytes([byte]))]

    assert frames == FRAMES


def test_only_long_bodies_that_get_shorter_are_packed() -> None:
    """A slow link gets fewer bytes; an archive is not packed a second time."""
    text, noise = b"a log says this all day\n" * 5_000, random.Random(0).randbytes(120_000)

    sizes = [len(encode(Kind.DATA, 1, None, body)) for body in (text, noise, text[:1_000])]

    assert sizes[0] < len(text) // 20
    assert sizes[1:] == [HEADER.size + 120_000, HEADER.size + 1_000]


def _packed(content: bytes, size: int | None = None) -> bytes:
    body = zlib.compress(content)[:size]
    return HEADER.pack(Kind.REPLY | PACKED, 1, 0, len(body)) + body


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_packed(b"x" * 1001), "packed frame body is cut short, or over the limit of 1000 bytes"),
        (_packed(b"x" * 500, 8), "packed frame body is cut short"),
        (HEADER.pack(Kind.REPLY | PACKED, 1, 0, 3) + b"abc", "packed frame body: .*header"),
        (HEADER.pack(Kind.REPLY, 1, 101, 0), "frame head of 101 bytes, limit is 100 bytes"),
        (HEADER.pack(Kind.REPLY, 1, 0, 1001), "frame body of 1001 bytes, limit is 1000 bytes"),
        (HEADER.pack(99, 1, 0, 0), "frame of unknown kind 99"),
        (HEADER.pack(Kind.REPLY, 1, 2, 0) + b"[]", "frame head is a list, not an object"),
        (HEADER.pack(Kind.REPLY, 1, 3, 0) + b"{,}", "frame head is no JSON"),
        (HEADER.pack(Kind.REPLY, 1, 2, 0) + b"\xff\xfe", "frame head is no JSON"),
        (HEADER.pack(Kind.REPLY, 1, 100, 0) + b"[" * 100, "frame head is no JSON"),
    ],
)
def test_what_breaks_the_wire_is_refused(data: bytes, words: str) -> None:
    """The far side is not trusted: sizes are checked before anything is stored."""
    decoder = FrameDecoder(head_limit=100, body_limit=1000)

    with pytest.raises(WireError, match=words):
        decoder.feed(data)


def test_long_data_is_given_as_it_comes() -> None:
    """What DATA carries is a stream: an agent writes it on instead of gathering it first."""
    content = bytes(range(256)) * 20
    sent = encode(Kind.DATA, 7, None, content[:5000]) + encode(Kind.END, 7)

    for step in (1, 100, 6000):
        decoder = FrameDecoder(splits_data=True)
        frames: list[Frame] = []
        for start in range(0, len(sent), step):
            frames += decoder.feed(sent[start : start + step])
        data = [frame for frame in frames if frame.kind is Kind.DATA]

        assert frames[-1] == Frame(Kind.END, 7)
        assert {frame.id for frame in data} == {7}
        assert b"".join(frame.body for frame in data) == content[:5000]
        assert decoder.pending == 0
