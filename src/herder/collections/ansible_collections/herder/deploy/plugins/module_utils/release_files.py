"""Code that is no git repository: an archive, a download, or a tree of which only news travel."""

from __future__ import annotations

import contextlib
import grp
import gzip
import hashlib
import http.client
import os
import pwd
import re
import shutil
import stat
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from typing import Any, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from ansible_collections.herder.deploy.plugins.module_utils import release_tree as trees
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import DeployError, Json

try:
    from lzma import LZMAError
except ImportError:  # some Pythons are built without it
    LZMAError = zlib.error  # type: ignore[misc]  # then nothing is unpacked by it

BLOCK_BYTES = 1 << 20
# What unpackers say; of a zip with a password, or packed in a way they do not know: RuntimeError.
DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    LZMAError,
    EOFError,
    RuntimeError,
)
DOWNLOAD_SECONDS = 60
# as urllib writes them
FOR_ALL_SERVERS = ("Accept", "User-agent")


def unpack(path: str, destination: str, exclude: Sequence[str] = (), strip: int = 0) -> None:
    """Unpack a tar or zip archive; nothing in it can be written outside the destination.

    *Raises*: DeployError `bad-archive`.
    """
    try:
        if zipfile.is_zipfile(path):
            _unpack_zip(path, destination, exclude, strip)
        else:
            _unpack_tar(path, destination, exclude, strip)
    except DAMAGED as error:
        raise DeployError("bad-archive", "%s: %s" % (path, error)) from error


def _unpack_tar(path: str, destination: str, exclude: Sequence[str], strip: int) -> None:
    with tarfile.open(path) as archive:
        for member in archive:
            place = inner_path(member.name, strip)
            if place and not trees.is_ignored(place, member.isdir(), exclude):
                if member.islnk():
                    linked = inner_path(member.linkname, strip) or ""
                    _copy_hard_link(destination, linked, place)
                else:
                    _write_member(archive, member, safe_path(destination, place))
        _read_to_the_end(archive)


def _read_to_the_end(archive: tarfile.TarFile) -> None:
    """Let the unpacker come to its checksum, which stands behind all that tar needs."""
    file = archive.fileobj
    while file is not None and file.read(BLOCK_BYTES):
        pass


def inner_path(name: str, strip: int) -> Optional[str]:
    """Give a member's path below the destination; None when it falls away; refuses '..'."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or name.startswith("/"):
        raise DeployError("bad-archive", "member %r would be written outside the release" % name)
    return "/".join(parts[strip:]) or None


def safe_path(destination: str, place: str) -> str:
    """Give the full path after making its directory; refuses a way that leads through a link."""
    full = os.path.join(destination, place)
    parent = os.path.dirname(full)
    os.makedirs(parent, exist_ok=True)
    if os.path.realpath(parent) != os.path.join(
        os.path.realpath(destination), os.path.dirname(place)
    ).rstrip("/"):
        raise DeployError("bad-archive", "member %r goes through a link" % place)
    return full


def _write_member(archive: tarfile.TarFile, member: tarfile.TarInfo, full: str) -> None:
    if member.isdir():
        _make_directory(full, member.name)
        os.chmod(full, (member.mode & 0o777) | stat.S_IRWXU)
    elif member.issym():
        _clear(full)
        os.symlink(member.linkname, full)
    elif member.isreg():
        source = archive.extractfile(member)
        if source is not None:
            _clear(full)
            with open(full, "wb") as file:
                shutil.copyfileobj(source, file, BLOCK_BYTES)
            os.chmod(full, member.mode & 0o777)
            os.utime(full, (member.mtime, member.mtime))
    else:
        raise DeployError("bad-archive", "member %r is a device or pipe" % member.name)


def _make_directory(full: str, name: str) -> None:
    """Make a directory, or find a real one: a link that the archive has there leads elsewhere."""
    if os.path.islink(full):
        raise DeployError("bad-archive", "member %r is a link and a directory" % name)
    os.makedirs(full, exist_ok=True)


def _clear(full: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(full)


def _copy_hard_link(destination: str, linked: str, place: str) -> None:
    source = safe_path(destination, linked)
    if os.path.islink(source):
        raise DeployError("bad-archive", "hard link %r names a link" % place)
    full = safe_path(destination, place)
    _clear(full)
    os.link(source, full)


def _unpack_zip(path: str, destination: str, exclude: Sequence[str], strip: int) -> None:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            place = inner_path(info.filename, strip)
            if place and not trees.is_ignored(place, info.filename.endswith("/"), exclude):
                _write_zip_member(archive, info, safe_path(destination, place))


def _write_zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, full: str) -> None:
    mode = info.external_attr >> 16
    if info.filename.endswith("/"):
        _make_directory(full, info.filename)
    elif stat.S_ISLNK(mode):
        _clear(full)
        os.symlink(archive.read(info).decode("utf-8"), full)
    else:
        _clear(full)
        with archive.open(info) as source, open(full, "wb") as file:
            shutil.copyfileobj(source, file, BLOCK_BYTES)
        os.chmod(full, (mode & 0o777) or 0o644)


def download(
    url: str, path: str, sha256: str = "", headers: Optional[Dict[str, str]] = None
) -> str:
    """Get a URL into a file and give its sha256; whole and as expected, or not at all.

    *Raises*: DeployError `download-failed` or `checksum-differs`.
    """
    temporary, shown = path + ".part", clean_url(url).split("?")[0]
    with _asked(url, shown, headers) as answer:
        length = answer.headers.get("Content-Length")
        seen = _store(_blocks(answer, shown), temporary)
    size = os.path.getsize(temporary)
    if length is not None and size != int(length):
        text = "%s: download ended after %d of %s bytes" % (shown, size, length)
        raise DeployError("download-failed", text)
    check_sha256(shown, seen, sha256)
    os.rename(temporary, path)
    return seen


def clean_url(url: str) -> str:
    """Give a URL without the password that may be in it."""
    return re.sub(r"//[^/@]*@", "//", url)


def _asked(url: str, shown: str, headers: Optional[Dict[str, str]]) -> Any:
    """Give a web server's answer, to be read and closed."""
    try:
        request = urllib.request.Request(url, headers=dict(headers or {}))
        opener = urllib.request.build_opener(_Redirects)
        return opener.open(request, timeout=DOWNLOAD_SECONDS)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise DeployError("download-failed", "%s: %s" % (shown, error)) from error


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to another server without the headers (a token), which are for the first one."""

    def redirect_request(self, req: Any, *about: Any) -> Any:
        """Give the request that follows, None for none."""
        following = super().redirect_request(req, *about)
        if following is not None and _server(following) != _server(req):
            kept = {name: req.headers[name] for name in FOR_ALL_SERVERS if name in req.headers}
            following.headers = kept
        return following


def _server(request: Any) -> Tuple[str, str]:
    """Give scheme and place; `host` and `type` are a proxy's where there is one."""
    parts = urllib.parse.urlsplit(request.full_url)
    return parts.scheme, parts.netloc


def _blocks(answer: Any, shown: str) -> Iterator[bytes]:
    try:
        yield from iter(lambda: answer.read(BLOCK_BYTES), b"")
    except (OSError, http.client.HTTPException) as error:
        raise DeployError("download-failed", "%s: %s" % (shown, error)) from error


def _store(blocks: Iterator[bytes], path: str) -> str:
    """Write what comes to a file and give its sha256."""
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for block in blocks:
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def check_sha256(what: str, seen: str, wanted: str) -> None:
    """Refuse content other than the expected; an empty wish accepts all. 'sha256:' may lead."""
    plain = wanted.split(":", 1)[-1].strip().lower()
    if plain and plain != seen:
        raise DeployError("checksum-differs", "%s has sha256 %s, expected %s" % (what, seen, plain))


def set_owner(root: str, owner: str, group: str) -> None:
    """Give everything below root to somebody else; needs the right to do so."""
    ids = owner_ids(owner, group)
    for base, directories, names in os.walk(root):
        for each in [base, *[os.path.join(base, name) for name in [*directories, *names]]]:
            _change_owner(each, ids)


def _change_owner(path: str, ids: Tuple[int, int]) -> None:
    try:
        os.chown(path, ids[0], ids[1], follow_symlinks=False)
    except PermissionError as error:
        text = "cannot give %s to user %d, group %d: %s" % (path, ids[0], ids[1], error.strerror)
        raise DeployError("no-permission", text) from error


def owner_ids(owner: str, group: str) -> Tuple[int, int]:
    """Give the numbers of a user and a group; -1 for one that shall stay as it is."""
    try:
        user_id = pwd.getpwnam(owner).pw_uid if owner else -1
        group_id = grp.getgrnam(group).gr_gid if group else -1
    except KeyError as error:
        raise DeployError("unknown-owner", "no such user or group here: %s" % error) from error
    return user_id, group_id


# Where contents are: digest -> path in its release -> full path.
Known = Dict[str, Dict[str, str]]


def lacking(entries: Sequence[Json], known: Known) -> List[str]:
    """List the digests of a wanted tree that the host has nowhere, each once."""
    wanted: Set[str] = {each["digest"] for each in entries if each["type"] == "file"}
    return sorted(wanted - set(known))


def add_known(known: Known, root: str, listing: Sequence[Json]) -> None:
    """Add where contents are in a former release; files edited since are left out."""
    for each, full in _unchanged(root, listing):
        known.setdefault(each["digest"], {})[each["path"]] = full


def _unchanged(root: str, listing: Sequence[Json]) -> Iterator[Tuple[Json, str]]:
    for each in listing:
        if each.get("type") != "file" or "digest" not in each:
            continue
        path = os.path.join(root, each["path"])
        with contextlib.suppress(OSError):
            status = os.lstat(path)
            seen = (stat.S_ISREG(status.st_mode), status.st_mtime_ns, status.st_size)
            if seen == (True, each.get("mtime_ns"), each.get("size")):
                yield each, path


def build_tree(entries: Sequence[Json], known: Known, pack: str, destination: str) -> Json:
    """Make a tree from its entries: contents from the pack, or linked from a former release.

    *Shapes*: `pack` is a tar whose members are named by their content's digest; '' for none.
    *Raises*: DeployError `content-missing` when neither has a file's content.
    """
    counts = {"linked": 0, "copied": 0, "received": 0}
    former = _Former(known)
    with contextlib.ExitStack() as stack:
        archive = stack.enter_context(tarfile.open(pack)) if pack else None
        received = _Pack(archive)
        for entry in entries:
            _build_entry(entry, (former, received), destination, counts)
    return dict(counts)


class _Former:
    """Files of former releases; each is linked once, so that twins in one release stay apart."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.used: Set[str] = set()

    def pick(self, entry: Json) -> Tuple[str, bool]:
        """Give a file with the content of an entry, and whether it may be linked."""
        places = self.known.get(entry["digest"]) or {}
        if not places:
            raise DeployError("content-missing", "no content for %s" % entry["path"])
        wish = places.get(entry["path"])
        fresh = [full for full in places.values() if full not in self.used]
        full = wish or (fresh[0] if fresh else next(iter(places.values())))
        is_fresh = full not in self.used
        self.used.add(full)
        return full, is_fresh


class _Pack:
    """The contents that travelled, found by digest."""

    def __init__(self, archive: Optional[tarfile.TarFile]) -> None:
        self.archive = archive
        members = archive.getmembers() if archive else []
        self.members = {member.name: member for member in members}
        self.written: Dict[str, str] = {}

    def write(self, digest: str, full: str) -> bool:
        """Write a content to a file; says whether it is in the pack. Packs are read forwards."""
        if digest in self.written:
            shutil.copyfile(self.written[digest], full)
            return True
        member = self.members.get(digest)
        source = self.archive.extractfile(member) if self.archive and member else None
        if source is None:
            return False
        with open(full, "wb") as file:
            shutil.copyfileobj(source, file, BLOCK_BYTES)
        self.written[digest] = full
        return True


def _build_entry(entry: Json, sources: Tuple[_Former, _Pack], root: str, counts: Json) -> None:
    inner_path(entry["path"], 0)
    full = safe_path(root, entry["path"])
    if entry["type"] == "directory":
        os.makedirs(full, exist_ok=True)
        os.chmod(full, int(entry["mode"], 8) | stat.S_IRWXU)
    elif entry["type"] == "link":
        os.symlink(entry["target"], full)
    else:
        counts[_build_file(entry, sources, full)] += 1


def _build_file(entry: Json, sources: Tuple[_Former, _Pack], full: str) -> str:
    former, received = sources
    mode = int(entry["mode"], 8)
    if received.write(entry["digest"], full):
        os.chmod(full, mode)
        return "received"
    source, may_link = former.pick(entry)
    if may_link and stat.S_IMODE(os.lstat(source).st_mode) == mode:
        with contextlib.suppress(OSError):
            os.link(source, full)
            return "linked"
    shutil.copyfile(source, full)
    os.chmod(full, mode)
    return "copied"
