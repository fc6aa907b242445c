"""The process of one query (engine.py), as the server sees it."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from localaws.services.athena.engine import EXHAUSTED

_ROOT = Path(__file__).parents[3]
_LINE = 2**24  # bytes of an answer


class Failed(Exception):
    """A query that fails; the message is its StateChangeReason."""


class Process:
    """Started by `start`; answers each message that it is asked, until it ends."""

    def __init__(self, process: asyncio.subprocess.Process):
        self._process = process

    @classmethod
    async def start(cls) -> "Process":
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "localaws.services.athena.engine"),
                cwd=_ROOT,
                env={},  # the server's holds the root key
                limit=_LINE,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        )

    async def ask(self, message: Any, seconds: float) -> dict:
        """Raises Failed when the process takes more time or memory than it has."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout, "they are pipes"
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            answer = await asyncio.wait_for(stdout.readline(), seconds)
        except TimeoutError:
            raise Failed(f"Query timeout: it took longer than {seconds:.0f} seconds") from None
        except (OSError, ValueError):
            answer = b""
        if not answer:  # its limits ended it
            raise Failed(EXHAUSTED)
        return json.loads(answer)

    async def end(self) -> None:
        """Ends it, whatever it does."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
