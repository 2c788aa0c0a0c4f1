"""An object from S3 with the standard library alone: a signed GET (AWS Signature Version 4).

*Source*: AWS documentation, "Authenticating Requests (AWS Signature Version 4)"; instance
credentials through IMDSv2.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import urllib.parse
import urllib.request
from typing import Dict, NamedTuple, Optional, Tuple

from ansible_collections.herder.deploy.plugins.module_utils.release_layout import DeployError

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
METADATA = "http://169.254.169.254/latest"
METADATA_SECONDS = 2


class Credentials(NamedTuple):
    """Who asks; `token` only for temporary ones."""

    key: str
    secret: str
    token: str = ""

    def __repr__(self) -> str:
        return "Credentials(%s)" % self.key


class S3Object(NamedTuple):
    """One object; `endpoint` for other services than AWS's own (path style)."""

    bucket: str
    name: str
    region: str
    endpoint: str = ""


def find_credentials(key: str, secret: str, token: str) -> Optional[Credentials]:
    """Take the given credentials, the environment's, or the machine's role; None for none."""
    if key and secret:
        return Credentials(key, secret, token)
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    values = [os.environ.get(name, "") for name in names]
    if values[0] and values[1]:
        return Credentials(*values)
    return _instance_credentials()


def _instance_credentials() -> Optional[Credentials]:
    try:
        header = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
        session = {"X-aws-ec2-metadata-token": _ask("/api/token", header, "PUT")}
        base = "/meta-data/iam/security-credentials/"
        found = json.loads(_ask(base + _ask(base, session).split()[0], session))
        return Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["Token"])
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _ask(path: str, headers: Dict[str, str], method: str = "GET") -> str:
    request = urllib.request.Request(METADATA + path, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=METADATA_SECONDS) as answer:
        return str(answer.read().decode("utf-8"))


def address(target: S3Object) -> Tuple[str, str, str]:
    """Give (url, host, path) of an object."""
    name = urllib.parse.quote(target.name.lstrip("/"), safe="/-_.~")
    if not target.bucket or not name:
        raise DeployError("bad-arguments", "bucket and object are both required for s3")
    if target.endpoint:
        parts = urllib.parse.urlsplit(target.endpoint)
        path = "%s/%s/%s" % (parts.path.rstrip("/"), target.bucket, name)
        return "%s://%s%s" % (parts.scheme, parts.netloc, path), parts.netloc, path
    host = "%s.s3.%s.amazonaws.com" % (target.bucket, target.region)
    return "https://%s/%s" % (host, name), host, "/" + name


def signed_headers(target: S3Object, who: Optional[Credentials], stamp: str) -> Dict[str, str]:
    """Give the headers of a GET; none for a public object.

    *Shapes*: `stamp` is the UTC time as 'YYYYMMDDTHHMMSSZ'.
    """
    if who is None:
        return {}
    _url, host, path = address(target)
    headers = {"host": host, "x-amz-content-sha256": EMPTY_SHA256, "x-amz-date": stamp}
    if who.token:
        headers["x-amz-security-token"] = who.token
    names = ";".join(sorted(headers))
    lines = "".join("%s:%s\n" % (name, headers[name]) for name in sorted(headers))
    request = "\n".join(["GET", path, "", lines, names, EMPTY_SHA256])
    scope = "%s/%s/s3/aws4_request" % (stamp[:8], target.region)
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashed])
    signature = hmac.new(_key(who, scope), text.encode(), hashlib.sha256).hexdigest()
    credential = "Credential=%s/%s" % (who.key, scope)
    headers["Authorization"] = "AWS4-HMAC-SHA256 %s, SignedHeaders=%s, Signature=%s" % (
        credential,
        names,
        signature,
    )
    return headers


def _key(who: Credentials, scope: str) -> bytes:
    key = ("AWS4" + who.secret).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
