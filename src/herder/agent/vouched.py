"""Which calls modules have vouched for (`answers.py`), kept from run to run.

Laws: what is kept holds only for the same agent, Python, boot and installed packages; nothing of a
call's arguments is in it but a digest and the defaults of the module.
"""

from __future__ import annotations

import marshal
import sys

from herder.agent.digests import sha256
from herder.agent.start import MAGIC, read_checked, write_checked
from herder.agent.surroundings import fingerprint, machine
from herder.wire.frames import Head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Optional

PREFIX = "vouched-"
_SHAPES = 200
_BASIC = "ansible.module_utils.basic"


class Vouched:
    """The words of each shape of call, as long as nothing changed that they depend on.

    Without `has_parts` the cache has lost all that modules consist of: then the controller sends
    them with the first call, and that call must be one that takes them.
    """

    def __init__(self, directory: Optional[str], release: str, *, has_parts: bool = True) -> None:
        self._path = f"{directory}/{PREFIX}{MAGIC}" if directory else None
        self._of = (release, machine())
        self._packages = fingerprint()
        self._words: Dict[bytes, Head] = self._kept() if has_parts else {}
        self._used: Dict[bytes, Head] = {}
        self._is_changed = False

    def find(self, shape: str) -> Optional[Head]:
        """Give the words of a shape that was vouched for."""
        if fingerprint() != self._packages:
            self._packages = fingerprint()
            self._words, self._used = {}, {}
        key = _key(shape)
        words = self._words.get(key)
        if words is not None:
            self._used[key] = words
        return words

    def add(self, shape: str, words: Head) -> bool:
        """Take a module's word for it; not when it tells the journal of it, and not the log."""
        if tells_journal():
            return False
        key = _key(shape)
        self._words[key] = self._used[key] = words
        self._is_changed = True
        return True

    def keep(self) -> None:
        """Write what was learned, with the shapes that were used last."""
        if not (self._is_changed and self._path):
            return
        kept = {**self._kept(), **self._words}
        rest = {key: words for key, words in kept.items() if key not in self._used}
        newest = list({**rest, **self._used}.items())[-_SHAPES:]
        write_checked(self._path, marshal.dumps((self._of, self._packages, dict(newest))))

    def _kept(self) -> Dict[bytes, Head]:
        content = read_checked(self._path) if self._path else None
        if content is None:
            return {}
        of, packages, words = marshal.loads(content)
        known: Dict[bytes, Head] = words
        return known if (of, packages) == (self._of, self._packages) else {}


def tells_journal() -> bool:
    """Whether modules tell the journal of their calls; assumed while none is imported here.

    *Source*: ansible-core 2.19 and 2.21 module_utils/basic.py (`log`, `has_journal`).
    """
    return bool(getattr(sys.modules.get(_BASIC), "has_journal", True))


def _key(shape: str) -> bytes:
    digest: bytes = sha256(shape.encode()).digest()
    return digest
