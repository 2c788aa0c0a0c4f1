"""The module `lineinfile` when the line stands in the file already.

*Source*: ansible-core 2.19 and 2.21 modules/lineinfile.py, `present`.
"""

from __future__ import annotations

import os
import stat

from herder.agent.known import ATTRIBUTES, OWNED, PLACES, Known, is_owned_as_wished
from herder.wire.frames import Head
from herder.wire.late import Late

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from typing import List, Optional
else:
    re = Late("re")

_FILE_BYTES = 64 * 1024
_LINE_BYTES = 1000
# Literal text, and white space or # any number of times: nothing that could search for long.
_QUICK = r"""\^?(?:[A-Za-z0-9_=:/,"'%<>;&~-]|\\[./$-]|(?:\\s|[ #])[*+?]?)+\$?"""
_LITERAL = frozenset(c for c in map(chr, range(128)) if c.isalnum() or c in """_=:/,"'%<>;&~-""")
_CONTROLS = bytes([*range(9), *range(11, 32), 127])


def _is_plain(wishes: Head) -> bool:
    """Whether there is a line to look for, and no word that changes which one counts."""
    line, search = wishes.get("line"), wishes.get("regexp")
    return (
        isinstance(line, str)
        and line.isascii()
        and line.isprintable()
        and (search is None or (isinstance(search, str) and _is_quick(search)))
        and wishes.get("state", "present") == "present"
        and not any(wishes.get(name) for name in ("backrefs", "firstmatch", "_ansible_diff"))
    )


def _numbers(path: str, wishes: Head) -> Optional[Head]:
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode) or not is_owned_as_wished(status, wishes):
        return None
    lines = _lines(path) if status.st_size <= _FILE_BYTES else []
    if not _is_there(lines, f"{wishes['line']}\n", wishes.get("regexp")):
        return None
    content, attributes = f"{path} (content)", f"{path} (file attributes)"
    return {
        "diff": [
            {"before": "", "after": "", "before_header": content, "after_header": content},
            {"before_header": attributes, "after_header": attributes},
        ]
    }


def _lines(path: str) -> List[str]:
    """Give a file's lines; none where releases of the module could read it differently."""
    with open(path, "rb") as file:
        content = file.read(_FILE_BYTES + 1)
    is_text = content.isascii() and len(content.translate(None, _CONTROLS)) == len(content)
    if not is_text or not content.endswith(b"\n"):
        return []
    lines = content.decode().splitlines(keepends=True)
    return lines if all(len(line) <= _LINE_BYTES for line in lines) else []


def _is_there(lines: List[str], wanted: str, search: Optional[str]) -> bool:
    """Whether the line that counts is the wanted one: the last that the search finds."""
    if search is None:
        return wanted in lines
    found = [line for line in lines if _is_found(search, line)]
    return bool(found) and found[-1] == wanted


def _is_quick(search: str) -> bool:
    return _is_literal(search) or bool(re.fullmatch(_QUICK, search))


def _is_literal(search: str) -> bool:
    # most are, and then `re` need not be imported for them
    text = search[1:] if search.startswith("^") else search
    return bool(text) and _LITERAL.issuperset(text)


def _is_found(search: str, line: str) -> bool:
    if not _is_literal(search):
        return bool(re.search(search, line))
    return line.startswith(search[1:]) if search.startswith("^") else search in line


LINE = Known(
    varying=(*PLACES, "mode", "line", "regexp"),
    fixed=(*OWNED, "state", "create", "backup", "insertafter", "insertbefore", "backrefs"),
    place=lambda path, _wishes: path,
    rest={
        "state": "present",
        "encoding": "utf-8",
        **dict.fromkeys(("backrefs", "create", "backup", "firstmatch", "unsafe_writes"), False),
        **dict.fromkeys(("regexp", "search_string", "insertafter", "insertbefore"), None),
        **dict.fromkeys(("validate", *ATTRIBUTES), None),
    },
    words=frozenset(["changed", "msg", "backup", "diff", "invocation"]),
    is_plain=_is_plain,
    numbers=_numbers,
)
