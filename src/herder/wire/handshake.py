"""How a conversation begins: the first stage's marker, then the agent's greeting.

Both directions are here so that they cannot drift. Whatever stands before a marker (a message of
the day, a shell profile's noise, a sudo lecture) is not ours and is skipped, but kept for messages.
The words are put together at run time so that an echoed command line cannot look like them.
"""

from __future__ import annotations

from herder.wire.frames import WireError
from herder.wire.json_text import from_json, to_json
from herder.wire.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple

READY = b"HERDER" + b"-READY\n"
GREETING = b"HERDER" + b"-GREETING "
NO_PYTHON = b"HERDER" + b"-NO-PYTHON"
OLD_PYTHON = b"HERDER" + b"-OLD-PYTHON"
GREETING_LIMIT_BYTES = 16 * 1024


class Greeting(Record):
    """What an agent says of itself; `cached` is how many digests its cache holds."""

    python: str
    python_version: Tuple[int, int, int]
    user: str
    uid: int
    home: str
    system: str
    process_id: int
    cached: int


def encode_greeting(greeting: Greeting) -> bytes:
    """Give the greeting's line, marker first."""
    return GREETING + to_json(greeting._asdict()).encode() + b"\n"


def find_greeting(received: bytes) -> Optional[Tuple[Greeting, int]]:
    """Give the greeting in what was received and where the frames begin; None: not whole yet.

    *Raises*: WireError when a line with the marker is not a greeting or does not end.
    """
    start = received.find(GREETING)
    if start < 0:
        return None
    end = received.find(b"\n", start)
    if end < 0:
        if len(received) - start > GREETING_LIMIT_BYTES:
            raise WireError("greeting does not end")
        return None
    return _parse(received[start + len(GREETING) : end]), end + 1


def _parse(text: bytes) -> Greeting:
    try:
        head: Dict[str, Any] = from_json(text)
        major, minor, micro = (int(part) for part in head["python_version"])
        return Greeting(
            python=str(head["python"]),
            python_version=(major, minor, micro),
            user=str(head["user"]),
            uid=int(head["uid"]),
            home=str(head["home"]),
            system=str(head["system"]),
            process_id=int(head["process_id"]),
            cached=int(head["cached"]),
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise WireError(f"greeting is not understood: {error!r}") from None
