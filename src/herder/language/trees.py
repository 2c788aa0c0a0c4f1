"""The files of a directory on their way to a host: what is well, what is new, many at a time.

ansible-core's `copy` goes through a directory file by file, with a question and a module for each.
For a file that is as it should be, all that becomes of these is "not changed", and "changed" for a
new one. So once a module has said that of one file, the agent is asked for the others: which ones
are well, or to make the new ones itself. What is plainly neither goes ansible-core's own way.

*Source*: ansible-core 2.19 and 2.21 plugins/action/copy.py, `ActionModule.run` and `_copy_file`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from herder.language.connections import CarriedConnection
from herder.language.local_files import LocalFiles
from herder.language.routes import uses_become
from herder.model.ports import ModuleCall, Session, WantedFile

FILES_AT_ONCE = 500
BYTES_AT_ONCE = 32 * 1024 * 1024
NEW_BYTES_AT_ONCE = 1024 * 1024
_FIRST_NEW_FILES = 16
_GROWTH = 8

Pair = tuple[str, str]
"""A file here and its path below the destination."""


class Tree:
    """The files of one directory on their way to one host."""

    def __init__(self, action: Any, files: list[Pair]) -> None:
        self._action = action
        self._files = files
        self._places = {path: number for number, (_, path) in enumerate(files)}
        self._asked: set[str] = set()
        self._well: set[str] = set()
        self._new: set[str] = set()
        self._checking: ModuleCall | None = None
        self._making: ModuleCall | None = None
        self._at_once = _FIRST_NEW_FILES

    def learn_well(self, call: ModuleCall) -> None:
        """Remember the call of `file` that found nothing to do for one of the files."""
        self._checking = call

    def learn_new(self, call: ModuleCall) -> None:
        """Remember the call of `copy` that has made one of the files where nothing was."""
        self._making = call

    def is_well(self, path: str) -> bool:
        """Whether the host says that this file is as it should be; ask for the next ones, too."""
        if self._checking is not None and path not in self._asked:
            self._check(self._checking, path)
        return path in self._well

    def is_made(self, path: str) -> bool:
        """Whether the host has made this file, because it is new; make the next ones, too."""
        if self._making is not None and path not in self._new:
            self._make(self._making, path)
        return path in self._new

    def _check(self, call: ModuleCall, path: str) -> None:
        found = self._looked_at(self._rest(path, FILES_AT_ONCE), BYTES_AT_ONCE)
        batch = [each for _, each in found if each is not None and each.path not in self._asked]
        self._asked.update(each.path for each in batch)
        self._asked.add(path)
        if batch:
            answers = self._do(self._session.check_files(call, batch))
            self._well.update(
                each.path for each, is_well in zip(batch, answers, strict=True) if is_well
            )

    def _make(self, call: ModuleCall, path: str) -> None:
        # those that are well are none of the new ones, and the order stays
        rest = (pair for pair in self._rest(path, self._at_once) if pair[1] not in self._well)
        batch: list[WantedFile] = []
        contents: list[bytes] = []
        for source, wanted in self._looked_at(rest, NEW_BYTES_AT_ONCE):
            content = self._known.content(source, wanted) if wanted is not None else None
            if wanted is None or content is None:
                break
            batch.append(wanted)
            contents.append(content)
        made = self._do(self._session.place_files(call, batch, contents)) if batch else 0
        self._new.update(each.path for each in batch[:made])
        self._at_once = min(FILES_AT_ONCE, self._at_once * _GROWTH)
        if made < len(batch) or not batch:
            # the next one is something else: what that is, the module will say
            self._making, self._at_once = None, _FIRST_NEW_FILES

    def _rest(self, path: str, count: int) -> Iterator[Pair]:
        start = self._places[path]
        return itertools.islice(self._files, start, start + count)

    def _looked_at(
        self, pairs: Iterable[Pair], limit_bytes: int
    ) -> Iterator[tuple[str, WantedFile | None]]:
        is_mode_kept = self._action._task.args.get("mode") == "preserve"
        size = 0
        for source, path in pairs:
            wanted = self._known.wanted(source, path, is_mode_kept=is_mode_kept)
            size += wanted.size if wanted is not None else 0
            if size > limit_bytes:
                return
            yield source, wanted

    @property
    def _known(self) -> LocalFiles:
        known: LocalFiles = self._action._connection.herder_carrier.local_files
        return known

    @property
    def _session(self) -> Session:
        connection: CarriedConnection = self._action._connection
        return connection.herder_session(as_become_user=uses_become(self._action))

    def _do(self, work: Any) -> Any:
        return self._action._connection.herder_do(work)
