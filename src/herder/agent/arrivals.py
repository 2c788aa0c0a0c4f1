"""Files that came here from the controller: what they hash to is known while they are written.

The module `copy` reads its source twice before it moves it, for SHA-1 and for MD5. Of a large file
that this agent has just written, SHA-1 is taken as the bytes come; when it is the sender's own, the
content is the sender's, and so is its MD5.

Law: a digest is given only for a file that is what it was when it was written: the same inode with
the same size and times, the time of its last change (which nobody can set) among them.
"""

from __future__ import annotations

import os
import sys

from herder.agent.files import WholeFile
from herder.wire.late import Late
from herder.wire.messages import NEW_MODE, RunModule

TYPE_CHECKING = False
if TYPE_CHECKING:
    import hashlib
    from typing import Any, Dict, Optional, Tuple

    Identity = Tuple[int, ...]
    Digests = Dict[str, str]
else:
    # only large files are hashed as they come: it is worth loading for them
    hashlib = Late("hashlib")

_KEPT_FILES = 64
_COPY = "ansible.modules.copy"
_BASIC = "ansible.module_utils.basic"


class Arrival(WholeFile):
    """A file on its way here that is hashed as it comes."""

    def __init__(self, path: str, mode: int, new_mode: int = NEW_MODE) -> None:
        super().__init__(path, mode, new_mode)
        self._sha1 = hashlib.sha1()

    def write(self, content: bytes) -> None:
        """Add content; on an error nothing is left."""
        super().write(content)
        self._sha1.update(content)

    def digests(self, sent: Digests) -> Digests:
        """Give what is known of the content; `sent` is what the sender says of what it has."""
        own = self._sha1.hexdigest()
        return dict(sent) if sent.get("sha1") == own else {"sha1": own}


class Arrivals:
    """The digests of the last files that came."""

    def __init__(self) -> None:
        self._known: Dict[Identity, Digests] = {}

    def remember(self, path: str, digests: Digests) -> None:
        """Take what a file that has just been put in its place hashes to."""
        while len(self._known) >= _KEPT_FILES:
            del self._known[next(iter(self._known))]
        self._known[_identity(os.stat(path))] = digests

    def digest(self, path: Any, algorithm: Any) -> Optional[str]:
        """Give what a file hashes to, when that is known."""
        try:
            known = self._known.get(_identity(os.stat(path)), {})
        except (OSError, ValueError, TypeError):
            return None
        return known.get(algorithm)

    def tell(self, call: RunModule) -> None:
        """In a child, before its module runs: let it have what is known instead of reading.

        *Source*: ansible-core 2.19 and 2.21 module_utils/basic.py, `digest_from_file`.
        """
        basic = sys.modules.get(_BASIC)
        if not self._known or basic is None or not call.is_core or call.fqn != _COPY:
            return
        kind: Any = basic.AnsibleModule
        original = kind.digest_from_file

        def digest_from_file(module: Any, filename: Any, algorithm: Any) -> Any:
            return self.digest(filename, algorithm) or original(module, filename, algorithm)

        kind.digest_from_file = digest_from_file


def _identity(status: os.stat_result) -> Identity:
    times = status.st_mtime_ns, status.st_ctime_ns
    return status.st_dev, status.st_ino, status.st_size, *times
