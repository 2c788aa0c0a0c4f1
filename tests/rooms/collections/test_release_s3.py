"""S3 without boto: the signature is AWS's, and a download is whole or refused."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from ansible_collections.herder.deploy.plugins.module_utils import release_files as files
from ansible_collections.herder.deploy.plugins.module_utils import release_s3 as s3
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import DeployError


def test_signature_is_made_of_all_that_counts() -> None:
    """Another secret, object, region or time must give another signature."""
    target = s3.S3Object("bucket", "a b/c.tgz", "eu-west-1")
    who = s3.Credentials("KEY", "secret")
    stamp = "20260131T120000Z"
    changes = [
        (target, who, stamp),
        (target._replace(name="x"), who, stamp),
        (target._replace(region="x"), who, stamp),
        (target, who._replace(secret="x"), stamp),
        (target, who, "20260131T120001Z"),
    ]

    made = [s3.signed_headers(*each)["Authorization"] for each in changes]

    assert len(set(made)) == len(made)
    assert made[0].startswith(
        "AWS4-HMAC-SHA256 Credential=KEY/20260131/eu-west-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature="
    )


def test_signature_of_a_known_request() -> None:
    """The key is derived as AWS's documented example says (20150830, us-east-1, iam)."""
    who = s3.Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

    key = s3._key(who, "20150830/us-east-1/iam/aws4_request")

    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


def test_addresses_of_aws_and_of_others() -> None:
    """A name may have blanks; another service is asked with the bucket in the path."""
    target = s3.S3Object("bucket", "a b/c.tgz", "eu-west-1")

    assert s3.address(target)[0] == "https://bucket.s3.eu-west-1.amazonaws.com/a%20b/c.tgz"
    other = target._replace(endpoint="http://127.0.0.1:9000/")
    assert s3.address(other)[0] == "http://127.0.0.1:9000/bucket/a%20b/c.tgz"


def test_secret_is_not_in_the_repr() -> None:
    """It would be in a traceback."""
    assert "secret" not in repr(s3.Credentials("KEY", "secret", "token"))


class Server(http.server.BaseHTTPRequestHandler):
    """Serves ten bytes; on /short it promises more than it gives, on /to/URL it leads there.

    On /torn it ends in the midst of a chunk, on /nothing it says nothing at all. It
    is a proxy for any.example, too.
    """

    asked: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        """Answer."""
        self.asked.append(dict(self.headers))
        self.path = self.path.removeprefix("http://any.example")
        if self.path == "/none":
            self.send_error(404)
            return
        if self.path == "/torn":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123")
            return
        if self.path == "/nothing":
            return
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", "20" if self.path == "/short" else "10")
        self.end_headers()
        self.wfile.write(b"0123456789")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def base() -> Iterator[str]:
    """Give the address of a server."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "sha256", "reference"),
    [
        ("/file", "", ""),
        ("/file", "sha256:84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882", ""),
        ("/file", "0" * 64, "checksum-differs"),
        ("/short", "", "download-failed"),
        ("/none", "", "download-failed"),
        ("/torn", "", "download-failed"),
        ("/nothing", "", "download-failed"),
        (":moo", "", "download-failed"),
    ],
)
def test_download(base: str, path: str, sha256: str, reference: str, tmp_path: Path) -> None:
    """Half a file must never be taken for a whole one."""
    target = tmp_path / "file"
    if not reference:
        files.download(base + path, str(target), sha256)
        assert target.read_bytes() == b"0123456789"
        return

    with pytest.raises(DeployError) as refused:
        files.download(base + path, str(target), sha256)

    assert refused.value.reference == reference
    assert path in str(refused.value) or reference == "checksum-differs"
    assert not target.exists()


@pytest.mark.parametrize(("host", "is_told"), [("127.0.0.1", True), ("localhost", False)])
def test_headers_of_a_download_are_for_its_own_server(
    base: str, tmp_path: Path, host: str, *, is_told: bool
) -> None:
    """A token leads from the asset's page to a store of somebody else's, as on GitHub."""
    Server.asked.clear()
    place = base.replace("127.0.0.1", host) + "/file"
    headers = {"Authorization": "Bearer moo", "PRIVATE-TOKEN": "moo", "Accept": "application/zip"}

    files.download(f"{base}/to/{place}", str(tmp_path / "file"), "", headers)

    first, second = Server.asked
    assert first["Authorization"] == "Bearer moo"
    assert second["Accept"] == "application/zip"
    assert ("moo" in repr(second)) is is_told


def test_a_proxy_on_the_way_is_no_other_server(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """urllib puts the proxy's name where a request has its server's."""
    Server.asked.clear()
    monkeypatch.setenv("http_proxy", base)
    monkeypatch.setenv("no_proxy", "")
    url = "http://any.example/to/http://any.example/file"

    files.download(url, str(tmp_path / "file"), "", {"Authorization": "Bearer moo"})

    assert [each["Authorization"] for each in Server.asked] == ["Bearer moo"] * 2


def test_password_in_an_address_is_not_told(base: str, tmp_path: Path) -> None:
    """Of a registry or a private store, where nobody uses a netrc."""
    url = base.replace("//", "//moo:grass@") + "/none?token=hay"

    with pytest.raises(DeployError) as refused:
        files.download(url, str(tmp_path / "file"), "")

    assert not any(word in str(refused.value) for word in ("grass", "hay"))
