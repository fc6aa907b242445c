"""A learner at a notebook instance: opens JupyterLab by its presigned URL, looks at files, runs code in a kernel."""

import json
import urllib.request
import uuid
from urllib.parse import parse_qs, urlsplit

import websocket


class Lab:
    def __init__(self, url: str):
        parts = urlsplit(url)
        self.url, self.address, self.token = url, parts.netloc, parse_qs(parts.query)["token"][0]

    def page(self) -> str:
        with urllib.request.urlopen(self.url) as answer:
            return answer.read().decode()

    def api(self, path: str, method: str = "GET", body: dict | None = None) -> dict | list:
        headers = {"Authorization": f"token {self.token}"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://{self.address}/api/{path}", data, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def file(self, name: str) -> str:
        return self.api(f"contents/{name}?format=text&type=file")["content"]

    def run(self, code: str) -> str:
        """What `code` prints in a new kernel. Fails with the kernel's own words when it raises."""
        kernel = self.api("kernels", "POST", {"name": "conda_python3"})["id"]
        address = f"ws://{self.address}/api/kernels/{kernel}/channels?token={self.token}"
        channel = websocket.create_connection(address, timeout=120)
        identity = uuid.uuid4().hex
        header = {
            "msg_id": identity,
            "msg_type": "execute_request",
            "session": identity,
            "username": "",
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
        channel.send(
            json.dumps({"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content})
        )
        printed, awaited = [], {"the reply", "all that is printed"}  # they come on two channels, in any order
        while awaited:
            message = json.loads(channel.recv())
            if message["parent_header"].get("msg_id") != identity:
                continue
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])
            if message["msg_type"] == "execute_reply":
                assert message["content"]["status"] == "ok", message["content"]
                awaited.discard("the reply")
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                awaited.discard("all that is printed")
        channel.close()
        return "".join(printed)
