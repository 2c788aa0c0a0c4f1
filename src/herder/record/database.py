"""The file that runs are kept in: its schema, its versions, how it is opened."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from herder.errors import HerderError

FILE_NAME = "runs.sqlite3"
_PAUSE_SECONDS = 0.02

# One entry a version, applied in order; an entry that was released is never changed.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            started REAL NOT NULL,
            seconds REAL NOT NULL DEFAULT 0,
            is_finished INTEGER NOT NULL DEFAULT 0,
            exit_code INTEGER,
            command TEXT NOT NULL,
            playbook TEXT NOT NULL,
            user TEXT NOT NULL,
            controller TEXT NOT NULL,
            hosts INTEGER NOT NULL DEFAULT 0
        )
        """,
        """
        CREATE TABLE plays (
            run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
            number INTEGER NOT NULL,
            name TEXT NOT NULL,
            hosts TEXT NOT NULL,
            check_mode INTEGER NOT NULL,
            batch INTEGER NOT NULL,
            second REAL NOT NULL,
            PRIMARY KEY (run, number)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE tasks (
            run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
            number INTEGER NOT NULL,
            play INTEGER NOT NULL,
            name TEXT NOT NULL,
            action TEXT NOT NULL,
            path TEXT NOT NULL,
            is_handler INTEGER NOT NULL,
            second REAL NOT NULL,
            PRIMARY KEY (run, number)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE results (
            run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
            number INTEGER NOT NULL,
            task INTEGER NOT NULL,
            host TEXT NOT NULL,
            outcome TEXT NOT NULL,
            second REAL NOT NULL,
            seconds REAL NOT NULL,
            result TEXT NOT NULL,
            PRIMARY KEY (run, number)
        )
        """,
        """
        CREATE TABLE messages (
            run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
            number INTEGER NOT NULL,
            second REAL NOT NULL,
            kind TEXT NOT NULL,
            text TEXT NOT NULL,
            PRIMARY KEY (run, number)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE totals (
            run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
            host TEXT NOT NULL,
            ok INTEGER NOT NULL,
            changed INTEGER NOT NULL,
            unreachable INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            skipped INTEGER NOT NULL,
            rescued INTEGER NOT NULL,
            ignored INTEGER NOT NULL,
            PRIMARY KEY (run, host)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX runs_of_playbook ON runs (playbook, id)",
    ),
)


class RecordError(HerderError):
    """The record of runs cannot be read or written."""

    reference = "record"


def open_database(directory: Path, *, wait_seconds: float = 5.0) -> sqlite3.Connection:
    """Open the record in `directory`, made when it is not there; only its owner may read it.

    Results may hold what a playbook printed, so both directory and file are private.
    *Raises*: RecordError, when the file was written by a newer Herder; sqlite3.Error and OSError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / FILE_NAME
    path.touch(mode=0o600)
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return _open(path, wait_seconds)
        except sqlite3.OperationalError as error:
            # sqlite does not wait for those who hold the file while it changes the journal's mode
            if not is_held(error) or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def _open(path: Path, wait_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=wait_seconds, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection) == len(MIGRATIONS):
        return
    with transaction(connection):
        # Asked again inside: another run may have done it while this one waited.
        version = _version(connection)
        if version > len(MIGRATIONS):
            raise RecordError(
                f"record has schema {version}, this Herder knows up to {len(MIGRATIONS)}",
                context=str(path),
                hint="use the newer Herder, or another HERDER_STATE_DIRECTORY",
            )
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def is_held(error: sqlite3.Error) -> bool:
    """Whether an error says no more than that somebody else holds the file just now."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of the block or none of it; takes the write lock at once, so it cannot deadlock.

    What an earlier block left open, broken off between two statements, is taken back first.
    """
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
