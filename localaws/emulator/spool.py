"""Large objects of S3 pass through the disk, not through memory: an upload is spooled as it comes, its checksums are
computed from the file, and a download is read from the object's file piece by piece.

A part of a multipart upload is a file too; they are joined in memory when the upload is completed.
"""

import base64
import contextvars
import functools
import hashlib
import mmap
import os
import re
import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import ministack.app as ministack
from ministack.core import router
from ministack.services import s3

from localaws.emulator.objects import PIECE, CannotStore, Spooled
from localaws.emulator.scope import headers_and_query
from localaws.settings import Settings

LARGE = 2**20  # bytes from which a body is spooled
_HASHES: dict[str, Callable[[], Any]] = {"SHA256": hashlib.sha256, "SHA1": hashlib.sha1}
_wanted: contextvars.ContextVar[str] = contextvars.ContextVar("wanted", default="")
_reading: contextvars.ContextVar[bool] = contextvars.ContextVar("reading", default=False)


class Stored:
    """The bytes of an object's file as it is now, or a slice of them, read when they are sent."""

    def __init__(self, file: BinaryIO, size: int, start: int = 0):
        self._file, self._size, self._start = file, size, start

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> "Stored":
        start, stop, _ = part.indices(self._size)
        return Stored(self._file, max(0, stop - start), self._start + start)

    def pieces(self) -> Iterator[bytes]:
        self._file.seek(self._start)
        left = self._size
        while left and (piece := self._file.read(min(PIECE, left))):
            left -= len(piece)
            yield piece


def register(settings: Settings) -> None:
    if not s3.S3_PERSIST:
        return
    folder = settings.state / "incoming"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ministack._read_request_body = _spooling(folder, ministack._read_request_body)
    ministack._send_response = _streaming(ministack._send_response)
    s3.md5_hash = _hexdigest(s3.md5_hash)
    s3._compute_s3_checksum = _checksum(s3._compute_s3_checksum)
    s3._validate_content_md5 = _of_the_file(s3._validate_content_md5)
    s3._get_object = _from_the_file(s3._get_object)
    s3._read_body = _stored(s3._read_body)


# --- uploads ----------------------------------------------------------------------------------------------------------


def wanted(app: Callable) -> Callable:
    """The ASGI application `app`, which knows of a request whether its body may be spooled, and as what."""

    async def served(scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] == "http" and scope["method"] == "PUT":
            headers, query = headers_and_query(scope)
            # A body of chunks says how long its content is, and may come without the length of its own.
            size = headers.get("x-amz-decoded-content-length", headers.get("content-length", ""))
            is_large = not size.isdecimal() or int(size) >= LARGE
            if is_large and router.detect_service("PUT", scope["path"], headers, query) == "s3":
                _wanted.set("part" if "uploadId" in query else "" if query.keys() - {"x-id"} else "object")
        await app(scope, receive, send)

    return served


def _spooling(folder: Path, read_body: Callable) -> Callable:
    @functools.wraps(read_body)
    async def read(receive: Callable, method: str, headers: dict) -> Any:
        if not (kind := _wanted.get()):
            return await read_body(receive, method, headers)
        place, name = tempfile.mkstemp(dir=folder)
        path = Path(name)
        try:
            with open(place, "w+b") as file:
                await _receive(receive, file, headers.get("content-length"))
                size = _content(file, headers)
                os.fsync(place)
            body = Spooled(path, size)
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise CannotStore(str(error)) from None
            raise
        if len(body) < LARGE:
            return b"".join(body.pieces())
        return body if kind == "object" else _mapped(body)

    return read


async def _receive(receive: Callable, file: BinaryIO, expected: str | None) -> None:
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ministack._RequestBodyDisconnected
        file.write(message.get("body", b""))
        more = message.get("more_body", False)
    file.flush()
    if expected is not None and expected != str(file.tell()):
        failure = ministack._IncompleteRequestBody("Content-Length does not match request body")
        failure.body = b""
        raise failure


def _content(file: BinaryIO, headers: dict) -> int:
    """The length of the content. Chunks, as SDKs send them, are moved together."""
    size = file.tell()
    chunked = headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
    if not chunked and "aws-chunked" not in headers.get("content-encoding", ""):
        return size
    read, written = 0, 0
    try:
        while True:
            file.seek(read)
            line = file.readline(4096)
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,16}(;[^\r\n]*)?\r\n", line):
                raise ministack._IncompleteRequestBody("Invalid aws-chunked frame header")
            length, read = int(line.split(b";")[0], 16), read + len(line)
            if length == 0:
                break
            if read + length + 2 > size:
                raise ministack._IncompleteRequestBody("Truncated aws-chunked frame data")
            written = _move(file, read, written, length)
            read += length
            file.seek(read)
            if file.read(2) != b"\r\n":
                raise ministack._IncompleteRequestBody("Truncated aws-chunked frame data")
            read += 2
        file.seek(read - len(line))
        trailer, declared = file.read(LARGE), headers.pop("x-amz-decoded-content-length", None)
        ministack._decode_aws_chunked_body(trailer, headers)  # puts the trailing checksum among the headers
        if declared is not None:
            headers["x-amz-decoded-content-length"] = declared
            if declared != str(written):
                raise ministack._IncompleteRequestBody("Decoded aws-chunked length mismatch")
    except ministack._IncompleteRequestBody as failure:
        failure.body = b""
        raise
    file.truncate(written)
    return written


def _move(file: BinaryIO, read: int, written: int, length: int) -> int:
    while length:
        file.seek(read)
        piece = file.read(min(PIECE, length))
        file.seek(written)
        file.write(piece)
        read, written, length = read + len(piece), written + len(piece), length - len(piece)
    return written


def _mapped(body: Spooled) -> mmap.mmap:
    with body.path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _hexdigest(md5_hash: Callable[[Any], str]) -> Callable[[Any], str]:
    @functools.wraps(md5_hash)
    def digest(body: Any) -> str:
        if not isinstance(body, Spooled):
            return md5_hash(body)
        return _digest(hashlib.md5(usedforsecurity=False), body).hex()

    return digest


def _digest(algorithm: Any, body: Spooled) -> bytes:
    for piece in body.pieces():
        algorithm.update(piece)
    return algorithm.digest()


def _checksum(compute: Callable[[str, Any], str | None]) -> Callable[[str, Any], str | None]:
    @functools.wraps(compute)
    def computed(algorithm: str, body: Any) -> str | None:
        if isinstance(body, mmap.mmap):
            return compute(algorithm, memoryview(body))
        if not isinstance(body, Spooled):
            return compute(algorithm, body)
        name = algorithm.upper().replace("_", "")
        if name in _HASHES:
            return base64.b64encode(_digest(_HASHES[name](), body)).decode()
        if name == "CRC32":
            crc = 0
            for piece in body.pieces():
                crc = zlib.crc32(piece, crc)
            return base64.b64encode(struct.pack(">I", crc)).decode()
        return compute(algorithm, memoryview(_mapped(body)))

    return computed


def _of_the_file(validate: Callable[[dict, Any], Any]) -> Callable[[dict, Any], Any]:
    @functools.wraps(validate)
    def validated(headers: dict, body: Any) -> Any:
        return validate(headers, _mapped(body) if isinstance(body, Spooled) else body)

    return validated


# --- downloads --------------------------------------------------------------------------------------------------------


def _from_the_file(get_object: Callable) -> Callable:
    @functools.wraps(get_object)
    def got(*arguments: Any, **named: Any) -> Any:
        token = _reading.set(True)
        try:
            return get_object(*arguments, **named)
        finally:
            _reading.reset(token)

    return got


def _stored(read_body: Callable) -> Callable:
    """For an answer to a GET, the file; who else reads an object gets its bytes."""

    @functools.wraps(read_body)
    def read(bucket: str, key: str, record: dict) -> Any:
        if not _reading.get() or record.get("body") is not None or record["size"] < LARGE:
            return read_body(bucket, key, record)
        file = open(s3._object_disk_path(bucket, key), "rb")  # noqa: SIM115 (closed with the answer)
        return Stored(file, os.fstat(file.fileno()).st_size)

    return read


def _streaming(send_response: Callable) -> Callable:
    @functools.wraps(send_response)
    async def sent(send: Callable, status: int, headers: dict, body: Any, *, head: bool = False) -> None:
        if not isinstance(body, Stored):
            await send_response(send, status, headers, body, head=head)
            return
        if "content-length" not in {name.lower() for name in headers}:
            headers["Content-Length"] = str(len(body))
        start = {"type": "http.response.start", "status": status, "headers": ministack._asgi_header_list(headers)}
        await send(start)
        for piece in body.pieces():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return sent
