"""Where a deployment keeps its things on a host, and the few safe ways to write there.

*Shapes*: the visible part is the one Capistrano and Ansistrano made common:
`deploy_to`/releases/NAME, `deploy_to`/shared, `deploy_to`/current (a link). Everything of ours
is in `deploy_to`/.herder (mode 0700): lease.json, token, switch.json, deployments.log,
releases/NAME.json, releases/NAME.listing, unfinished/NAME, trash/.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
import stat
import time
import uuid
from typing import Any, Callable, Dict, Iterator, List, Optional, TypeVar

Json = Dict[str, Any]
Result = TypeVar("Result")

NAME_PATTERN = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}\Z")
REMOVE_TRIES = 5


class DeployError(Exception):
    """The host refuses or cannot do what was asked; `reference` names the kind (kebab-case)."""

    def __init__(self, reference: str, message: str, **data: Any) -> None:
        super().__init__(message)
        self.reference = reference
        self.message = message
        self.data = data


class Layout:
    """All paths of one application on this host; makes nothing by itself."""

    def __init__(
        self,
        deploy_to: str,
        version_dir: str = "releases",
        shared_dir: str = "shared",
        current_dir: str = "current",
        repo_dir: str = "repo",
    ) -> None:
        root = os.path.abspath(os.path.expanduser(deploy_to))
        if root == "/":
            raise DeployError("bad-layout", "deploy_to is '/', expected a directory of its own")
        self.root = root
        self.releases = os.path.join(root, version_dir)
        self.shared = os.path.join(root, shared_dir)
        self.current = os.path.normpath(os.path.join(root, current_dir))
        self.repo = os.path.join(root, repo_dir)
        self.private = os.path.join(root, ".herder")
        self.trash = os.path.join(self.private, "trash")
        self.lease = os.path.join(self.private, "lease.json")
        self.token = os.path.join(self.private, "token")
        self.journal = os.path.join(self.private, "switch.json")
        self.log = os.path.join(self.private, "deployments.log")
        self.lock = os.path.join(self.private, "lock")
        self.repo_lock = os.path.join(self.private, "repo.lock")
        # beside the current link: a rename does not go from one file system to another
        beside, name = os.path.split(self.current)
        self.undo_link = os.path.join(beside, ".%s.undo" % name)
        self.new_link = os.path.join(beside, ".%s.new." % name)

    def release(self, name: str) -> str:
        """Give the directory of a release; refuses a name that is no single safe word."""
        return os.path.join(self.releases, checked_name(name))

    def record(self, name: str) -> str:
        """Give the path of what we know of a release."""
        return os.path.join(self.private, "releases", checked_name(name) + ".json")

    def listing(self, name: str) -> str:
        """Give the path of the file list taken when the release was finished."""
        return os.path.join(self.private, "releases", checked_name(name) + ".listing")

    def marker(self, name: str) -> str:
        """Give the path of the file that exists exactly while the release is being built."""
        return os.path.join(self.private, "unfinished", checked_name(name))

    def link_text(self, name: str) -> str:
        """Give what the current link says for a release: relative, so the tree can be moved."""
        text = os.path.relpath(self.release(name), os.path.dirname(self.current))
        return "./" + text if not text.startswith(".") else text

    def current_text(self) -> Optional[str]:
        """Read the current link; None when it is not there or is no link."""
        try:
            return os.readlink(self.current)
        except OSError:
            return None

    def current_name(self) -> Optional[str]:
        """Give the release that the current link names, whether or not it is there."""
        text = self.current_text()
        return None if text is None else self.name_in(text)

    def name_in(self, link_text: str) -> Optional[str]:
        """Give the release that a link text names; None when it points elsewhere."""
        here = os.path.realpath(os.path.dirname(self.current))
        path = os.path.normpath(os.path.join(here, link_text))
        parent, name = os.path.split(path)
        inside = os.path.realpath(parent) == os.path.realpath(self.releases)
        return name if inside and NAME_PATTERN.match(name) else None

    def outside(self) -> str:
        """Give where the current link leads when that is there and no release; else ''."""
        text = self.current_text()
        if text is None or self.name_in(text) is not None or not os.path.isdir(self.current):
            return ""
        return os.path.normpath(os.path.join(os.path.dirname(self.current), text))

    def prepare(self) -> None:
        """Make the private directory; call it before anything that writes."""
        for path in (self.private, self.trash):
            os.makedirs(path, mode=0o700, exist_ok=True)
        for name in ("releases", "unfinished"):
            os.makedirs(os.path.join(self.private, name), mode=0o700, exist_ok=True)


def checked_name(name: str) -> str:
    """Give the name back, or refuse it: it becomes a path."""
    if not NAME_PATTERN.match(name or ""):
        raise DeployError(
            "bad-name", "release name %r, expected letters, digits and . _ + - only" % (name,)
        )
    return name


def read_json(path: str) -> Optional[Json]:
    """Read a JSON object; None when it is missing or was cut."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_json(path: str, value: Any) -> None:
    """Write JSON whole or not at all, and safe against a power cut."""
    write_text(path, json.dumps(value, sort_keys=True) + "\n")


def write_text(path: str, text: str, mode: int = 0o600) -> None:
    """Write a file whole or not at all: temporary name, flush to disk, rename."""
    temporary = "%s.%s" % (path, uuid.uuid4().hex)
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            keep_owner(file.fileno(), path)
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except OSError as error:
        error.filename = path
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    flush_directory(os.path.dirname(path))


def keep_owner(descriptor: int, path: str) -> None:
    """Give what root writes to the owner of its directory: that user deploys the next time."""
    if os.geteuid() == 0:
        place = os.stat(os.path.dirname(path))
        with contextlib.suppress(OSError):
            os.fchown(descriptor, place.st_uid, place.st_gid)


def flush_directory(path: str) -> None:
    """Make a rename in this directory last over a power cut, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def locked(path: str, wait_seconds: float = 10.0) -> Iterator[int]:
    """Hold an advisory lock file; it ends with the last process that has the descriptor.

    *Raises*: DeployError `busy` when another process holds it longer than `wait_seconds`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        keep_owner(descriptor, path)
        _wait_for_lock(descriptor, path, wait_seconds)
        yield descriptor
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, path: str, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while not try_lock(descriptor):
        if time.monotonic() >= deadline:
            raise DeployError(
                "busy", "%s was held for %.0f s by another process" % (path, wait_seconds)
            )
        time.sleep(0.02)


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file without waiting; says whether it was free."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True


def is_locked(path: str) -> bool:
    """Tell whether a living process holds the lock of this file."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def is_plain_directory(path: str) -> bool:
    """Tell whether a real directory is there, not a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def remove_tree(layout: Layout, path: str) -> None:
    """Remove a directory so that nobody sees half of it: move it to the trash first.

    What is in the trash is out of the way; that somebody else's files stay there fails nothing.
    *Raises*: DeployError `cannot-remove` when it is still in its place.
    """
    target = move_away(layout, path)
    with contextlib.suppress(DeployError):
        _remove_now(target)


def move_away(layout: Layout, path: str) -> str:
    """Move a path into the trash and say where; remove it at once where it cannot be moved.

    *Raises*: DeployError `cannot-remove` when it is still in its place.
    *Then*: `empty_trash`, without the lock: a large directory takes long.
    """
    target = os.path.join(layout.trash, "%s.%s" % (os.path.basename(path), uuid.uuid4().hex[:8]))
    if os.path.lexists(path):
        try:
            os.makedirs(layout.trash, mode=0o700, exist_ok=True)
            os.rename(path, target)
        except OSError:
            _remove_now(path)
    return target


def empty_trash(layout: Layout) -> List[str]:
    """Remove what an interrupted removal left in the trash; gives the paths that stay."""
    stay = []
    for name in _trashed(layout):
        path = os.path.join(layout.trash, name)
        try:
            _remove_now(path)
        except DeployError:
            stay.append(path)
    return stay


def _trashed(layout: Layout) -> List[str]:
    try:
        return os.listdir(layout.trash)
    except FileNotFoundError:
        return []


def _remove_now(path: str) -> None:
    """Remove a path; directories without write permission are opened up first."""
    for attempt in range(REMOVE_TRIES):
        if os.path.islink(path) or not os.path.isdir(path):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            return
        shutil.rmtree(path, onerror=_open_up)
        if not os.path.lexists(path):
            return
        time.sleep(0.05 * (attempt + 1))
    raise DeployError("cannot-remove", "%s is still there after %d tries" % (path, REMOVE_TRIES))


def _open_up(function: Callable[[str], Any], path: str, _info: Any) -> None:
    """Retry one removal after making its directory writable; a second failure is left."""
    for each in (os.path.dirname(path), path):
        if is_plain_directory(each):
            with contextlib.suppress(OSError):
                os.chmod(each, stat.S_IRWXU)
    with contextlib.suppress(OSError, TypeError):
        if function in (os.unlink, os.rmdir):
            function(path)


def run_reporting(work: Callable[[], Json], fail: Callable[..., Any]) -> Json:
    """Run a module's work and turn the errors a host can have into one clear sentence."""
    try:
        return work()
    except DeployError as error:
        fail(msg=error.message, reference=error.reference, **error.data)
    except OSError as error:
        fail(msg=describe(error), reference=os_reference(error))
    return {}


def describe(error: OSError) -> str:
    """Say an operating system error with its path and, for a full disk, what to do."""
    place = error.filename2 or error.filename  # of a link that is made: the link, not its text
    text = "%s: %s" % (place, error.strerror) if place else str(error.strerror)
    return text + " (the disk or its inodes are full)" if error.errno == errno.ENOSPC else text


def os_reference(error: OSError) -> str:
    """Name the kind of an operating system error, as DeployError does."""
    kinds = {errno.ENOSPC: "disk-full", errno.EDQUOT: "disk-full", errno.EROFS: "read-only"}
    kinds.update({errno.EACCES: "no-permission", errno.EPERM: "no-permission"})
    return kinds.get(error.errno or 0, "os-error")


def real_directories(path: str) -> List[str]:
    """List the names of the real directories in a directory; none when it is missing."""
    try:
        with os.scandir(path) as entries:
            return sorted(each.name for each in entries if each.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []
