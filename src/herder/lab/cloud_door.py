"""Lets into the cloud's endpoint who has its keys and asks for its region; refuses as AWS does."""

from __future__ import annotations

import hmac
import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias
from xml.sax.saxutils import escape

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from herder.lab.cloud import STATUS_PATH
from herder.lab.cloud_state import CloudState

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[[str, list[tuple[str, str]]], Any]
Application: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)"
    r"/aws4_request, *SignedHeaders=(?P<headers>[^,]+), *Signature=(?P<signature>[0-9a-f]+)"
)
_EC2_ERROR = (
    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
    "<RequestID>herder-lab</RequestID></Response>"
)
_QUERY_ERROR = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
    "</Error><RequestId>herder-lab</RequestId></ErrorResponse>"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request goes no further, in AWS's words."""

    code: str
    message: str
    status: str = "403 Forbidden"
    service: str = "ec2"

    def body(self) -> bytes:
        shape = _EC2_ERROR if self.service == "ec2" else _QUERY_ERROR
        return shape.format(code=self.code, message=escape(self.message)).encode("utf-8")


@dataclass(frozen=True, slots=True)
class CloudDoor:
    """The application that stands before moto's; `status` gives what `STATUS_PATH` answers."""

    state: CloudState
    inside: Application
    status: Callable[[], list[dict[str, str]]]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == STATUS_PATH:
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(self.status()).encode()]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        refusal = refuse(self.state, environ, body)
        if refusal is None:
            return self.inside(environ, start_response)
        start_response(refusal.status, [("Content-Type", "text/xml")])
        return [refusal.body()]


def refuse(state: CloudState, environ: Environ, body: bytes) -> Refusal | None:
    """Give why this request may not pass, None when it may.

    *Source*: AWS, Signature Version 4 for API requests; Amazon EC2 API, client error codes.
    """
    signed = _AUTHORIZATION.match(environ.get("HTTP_AUTHORIZATION", ""))
    if signed is None:
        return Refusal("MissingAuthenticationToken", "the request is not signed")
    service = signed["service"]
    if signed["key"] != state.access_key:
        code = "AuthFailure" if service == "ec2" else "InvalidClientTokenId"
        text = f"access key {signed['key']!r} is not this cloud's (herder lab cloud env)"
        return Refusal(code, text, "401 Unauthorized", service)
    if not hmac.compare_digest(_signature(state, environ, body, signed), signed["signature"]):
        text = "the secret key is not this cloud's (herder lab cloud env)"
        return Refusal("SignatureDoesNotMatch", text, service=service)
    if signed["region"] != state.region:
        text = f"region {signed['region']!r}, this cloud has {state.region!r} only"
        return Refusal("InvalidRegion", text, "400 Bad Request", service)
    return None


def _signature(state: CloudState, environ: Environ, body: bytes, signed: re.Match[str]) -> str:
    headers = {name: _header(environ, name) for name in signed["headers"].split(";")}
    query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
    request = AWSRequest(
        method=environ["REQUEST_METHOD"],
        url=f"http://{environ['HTTP_HOST']}{environ['PATH_INFO']}{query}",
        data=body,
        headers=headers,
    )
    request.context["timestamp"] = _header(environ, "x-amz-date")
    signer = SigV4Auth(
        Credentials(state.access_key, state.secret_key), signed["service"], signed["region"]
    )
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(text, request))


def _header(environ: Environ, name: str) -> str:
    key = name.upper().replace("-", "_")
    plain = ("CONTENT_TYPE", "CONTENT_LENGTH")
    return str(environ.get(key if key in plain else f"HTTP_{key}", ""))
