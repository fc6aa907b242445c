"""HTTPS on loopback, until the process gets a signal to stop."""

import asyncio
import asyncio.constants
import ctypes
import logging
import os
import signal
import ssl
from collections.abc import Callable

import ministack.app as ministack
from hypercorn.asyncio import serve as serve_asgi
from hypercorn.config import Config

from localaws.emulator import saving, spool
from localaws.emulator.access_logs import recorded
from localaws.emulator.bounds import bounded
from localaws.emulator.faults import around
from localaws.emulator.inputs import readable
from localaws.emulator.signatures import signed
from localaws.faults import Switch
from localaws.settings import Settings

SAVE_EVERY_SECONDS = float(os.environ.get("LOCALAWS_SAVE_EVERY_SECONDS", "20"))
TLS_SHUTDOWN_SECONDS = 1
_HANDSHAKE_SECONDS = 5
# A client says nothing while its request is answered, and an answer takes 15 minutes at most (a Lambda function's).
_SILENT_SECONDS = 16 * 60


def serve(
    settings: Settings,
    own: frozenset[str],
    switch: Switch,
    once_serving: Callable[[], None],
    on_stop: Callable[[], None],
) -> None:
    """Serves HTTPS on 127.0.0.1 until SIGTERM or SIGINT; ministack saves its state on the way out.

    Calls `once_serving` when requests are answered. Ends the process after `on_stop`: a stack that waits for a custom
    resource holds a thread for up to an hour.
    """
    config = Config()
    config.bind = [f"127.0.0.1:{settings.port}"]
    config.certfile, config.keyfile = str(settings.certificate), str(settings.private_key)
    config.keep_alive_timeout = 75
    config.keep_alive_max_requests = 1_000_000  # the default closes a client's connection after 1,000
    config.loglevel = "WARNING"
    config.read_timeout = _SILENT_SECONDS
    config.ssl_handshake_timeout = _HANDSHAKE_SECONDS
    # A client that holds an idle connection does not answer TLS's goodbye; asyncio would wait 30 s for it, and
    # hypercorn has no setting for that.
    asyncio.constants.SSL_SHUTDOWN_TIMEOUT = TLS_SHUTDOWN_SECONDS
    logging.getLogger("asyncio").addFilter(lambda record: not _is_a_goodbye(record))
    checked = signed(readable(around(spool.wanted(saving.durable(recorded(ministack.app))), switch)), settings, own)
    asyncio.run(_serve(config, bounded(checked), settings.port, once_serving, on_stop))


def _is_a_goodbye(record: logging.LogRecord) -> bool:
    """Whether all that happened is that a client left without TLS's goodbye, or in the middle of a request."""
    error = record.exc_info[1] if record.exc_info else None
    return isinstance(error, ssl.SSLError) or (isinstance(error, TimeoutError) and "SSL" in str(error))


async def _serve(
    config: Config, app: Callable, port: int, once_serving: Callable[[], None], on_stop: Callable[[], None]
) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    now_and_then = asyncio.create_task(_save_now_and_then())
    beginning = asyncio.create_task(_once_serving(port, once_serving))
    await serve_asgi(app, config, shutdown_trigger=stop.wait)
    for task in (now_and_then, beginning):
        task.cancel()
    on_stop()
    os._exit(0)


async def _save_now_and_then() -> None:
    """What no call has asked for, such as the stacks that threads deploy."""
    while True:
        await asyncio.sleep(SAVE_EVERY_SECONDS)
        await asyncio.to_thread(saving.save_all)
        _give_back()


def _give_back() -> None:
    """To the system, the memory that large requests took: the C library keeps what was freed."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


async def _once_serving(port: int, then: Callable[[], None]) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        except OSError:
            await asyncio.sleep(0.05)
    await asyncio.to_thread(then)
