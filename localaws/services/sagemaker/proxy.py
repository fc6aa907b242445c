"""The way of a notebook instance to AWS: a proxy on loopback that leads AWS's names to the embedded AWS.

Clients with an endpoint of their own (the SageMaker SDK asks sts.us-east-1.amazonaws.com) find the embedded AWS by it,
whose certificate has these names. All other names go where they would go without it.
"""

import base64
import select
import socket
import socketserver
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from localaws.settings import is_aws_host

_CONNECT_SECONDS = 30
_LONGEST_HEAD = 64 * 1024
_LOOPBACK = "127.0.0.1,localhost"


@dataclass(frozen=True)
class Route:
    """Where connections go: AWS's to the embedded AWS, the others to the machine's own proxy, if it has one."""

    embedded: tuple[str, int]
    upstream: str | None


def start(endpoint: str, outside: Mapping[str, str]) -> dict[str, str]:
    """Serves on a free port for as long as the process lives; answers the variables that lead programs to it."""
    parts = urlsplit(endpoint)
    assert parts.hostname and parts.port
    route = Route((parts.hostname, parts.port), outside.get("https_proxy"))
    server = _Server(("127.0.0.1", 0), _Handler)
    server.route = route
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy = f"http://127.0.0.1:{server.server_address[1]}"
    direct = ",".join(filter(None, (_LOOPBACK, outside.get("no_proxy"))))
    return {"https_proxy": proxy, "HTTPS_PROXY": proxy, "no_proxy": direct, "NO_PROXY": direct}


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    route: Route


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        head = _head(self.request)
        method, target, *_ = [*head.partition("\r\n")[0].split(" "), "", ""]
        host, _, port = target.rpartition(":")
        if method != "CONNECT" or not port.isdigit():
            self.request.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\n\r\n")
            return
        try:
            other = _connected(self.server.route, host.strip("[]"), int(port))
        except OSError as error:
            reason = f"{host}: {error}"
            self.request.sendall(f"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n{reason}".encode())
            return
        with other:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _relay(self.request, other)


def _head(connection: socket.socket) -> str:
    """A request up to its empty line."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and len(head) < _LONGEST_HEAD and (piece := connection.recv(1)):
        head += piece
    return head.decode("latin-1")


def _connected(route: Route, host: str, port: int) -> socket.socket:
    """Raises OSError where nobody answers."""
    if is_aws_host(host):
        return socket.create_connection(route.embedded, _CONNECT_SECONDS)
    if not route.upstream:
        return socket.create_connection((host, port), _CONNECT_SECONDS)
    parts = urlsplit(route.upstream)
    made = socket.create_connection((parts.hostname or "", parts.port or 80), _CONNECT_SECONDS)
    user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    allowed = f"Proxy-Authorization: Basic {base64.b64encode(user.encode()).decode()}\r\n" if parts.username else ""
    made.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{allowed}\r\n".encode())
    answer = _head(made).partition("\r\n")[0]
    if " 200" not in answer:
        made.close()
        raise OSError(f"the proxy {parts.hostname} answered {answer!r}")
    return made


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Bytes both ways until either side ends."""
    ways = {one: other, other: one}
    for each in ways:
        each.settimeout(None)
    while True:
        for ready in select.select(list(ways), [], [])[0]:
            try:
                piece = ready.recv(65_536)
                if not piece:
                    return
                ways[ready].sendall(piece)
            except OSError:
                return
