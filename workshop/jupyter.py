"""A notebook instance from outside: JupyterLab by its presigned URL, files, and code in kernels."""

import base64
import json
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import nbformat
import websocket

_START_SECONDS = 120


class Lab:
    """JupyterLab at the presigned URL of a notebook instance."""

    def __init__(self, url: str):
        parts = urlsplit(url)
        self.url, self.address, self.token = url, parts.netloc, parse_qs(parts.query)["token"][0]

    def page(self) -> str:
        with urllib.request.urlopen(self.url) as answer:  # on loopback  # nosec B310
            return answer.read().decode()

    def api(self, path: str, method: str = "GET", body: dict | None = None) -> Any:
        headers = {"Authorization": f"token {self.token}"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://{self.address}/api/{path}", data, headers, method=method)
        with urllib.request.urlopen(request) as answer:  # nosec B310
            text = answer.read()
        return json.loads(text) if text else None

    def file(self, name: str) -> str:
        return self.api(f"contents/{quote(name)}?format=text&type=file")["content"]

    def upload(self, folder: Path, to: str) -> None:
        """Puts all files below `folder` into the folder `to` of the instance."""
        self.api(f"contents/{quote(to)}", "PUT", {"type": "directory"})
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if any(part.startswith(".") for part in inside.parts):  # Jupyter takes no hidden files
                continue
            place = f"contents/{quote(f'{to}/{inside}')}"
            if path.is_dir():
                self.api(place, "PUT", {"type": "directory"})
            elif path.is_file():
                content = base64.b64encode(path.read_bytes()).decode()
                self.api(place, "PUT", {"type": "file", "format": "base64", "content": content})

    def run(self, code: str) -> str:
        """What `code` prints in a new kernel. Raises AssertionError with the kernel's own words when it raises."""
        kernel = Kernel(self)
        try:
            outputs = kernel.execute(code, _START_SECONDS)
        finally:
            kernel.close()
        assert not (failed := [each for each in outputs if each.output_type == "error"]), failed
        return "".join(each.text for each in outputs if each.output_type == "stream")


class Kernel:
    """A kernel of the instance, which runs beside the notebook `path` if there is one."""

    def __init__(self, lab: Lab, path: str = ""):
        self._lab = lab
        notebook = path or f"{uuid.uuid4().hex}.ipynb"  # a path has one kernel
        body = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": "conda_python3"}}
        session = lab.api("sessions", "POST", body)
        self._session, self._id = session["id"], session["kernel"]["id"]
        address = f"ws://{lab.address}/api/kernels/{self._id}/channels?token={lab.token}"
        self._channel = websocket.create_connection(address, timeout=_START_SECONDS)

    def close(self) -> None:
        self._channel.close()
        self._lab.api(f"sessions/{self._session}", "DELETE")

    def execute(self, code: str, seconds: float) -> list[nbformat.NotebookNode]:
        """The outputs of a cell. Raises TimeoutError when nothing comes for so many seconds, and interrupts it."""
        identity = uuid.uuid4().hex
        header = {
            "msg_id": identity,
            "msg_type": "execute_request",
            "session": identity,
            "username": "",
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        message = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content}
        self._channel.settimeout(seconds)
        self._channel.send(json.dumps(message))
        try:
            return [nbformat.v4.output_from_msg(each) for each in self._answers(identity)]
        except websocket.WebSocketTimeoutException:
            self._lab.api(f"kernels/{self._id}/interrupt", "POST")
            raise TimeoutError(f"nothing came from the cell for {seconds:.0f} seconds") from None

    def _answers(self, identity: str) -> Iterator[dict[str, Any]]:
        """The messages with outputs, until the kernel has replied and is idle; these two come in any order."""
        awaited = {"execute_reply", "idle"}
        while awaited:
            message = json.loads(self._channel.recv())
            if message["parent_header"].get("msg_id") != identity:
                continue
            kind = message["msg_type"]
            if kind in ("stream", "display_data", "execute_result", "error"):
                yield message
            awaited.discard(kind)
            if kind == "status":
                awaited.discard(message["content"]["execution_state"])
