"""Personalize at size in the embedded AWS: a million made-up events, then 300 requests a second.

Training: seconds until all five are ACTIVE, and the highest memory of all processes. Requests:
GetRecommendations of all five use cases in turn, over HTTPS, signed by an IAM user who may do just that. Two
clients send 150 a second each over a connection that stays open, by the clock: a latency runs from the time a request
was due, so that waiting for a slow answer counts. Requests are signed before: client and server share a machine.
"""

import argparse
import json
import multiprocessing
import os
import socket
import ssl
import time
from concurrent.futures import ProcessPoolExecutor
from urllib.parse import urlsplit

import boto3
import numpy as np
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks import planted
from benchmarks.embedded import cpu_seconds, create_recommenders, embedded_aws, import_group, watched
from localaws.settings import REGION, Settings
from storecast_engines.recommending import RECIPES

CLIENTS, WARM_UP = 2, 40
EVENTS_PER_VISIT = 5.85  # of planted.shop, at least
STATEMENT = {"Effect": "Allow", "Action": "personalize:GetRecommendations", "Resource": "*"}


def user() -> Credentials:
    """A new IAM user who may get recommendations."""
    iam, policy = boto3.client("iam"), {"Version": "2012-10-17", "Statement": [STATEMENT]}
    iam.create_user(UserName="client")
    iam.put_user_policy(UserName="client", PolicyName="asks", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="client")["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def requests(
    settings: Settings, signer: Credentials, arns: dict[str, str], users: list[str], items: list[str], count: int
) -> list[bytes]:
    """HTTP requests, signed, the recipes in turn, for users and about items at random."""
    rng, made = np.random.default_rng(1), []
    asking, asked = rng.choice(users, count).tolist(), rng.choice(items, count).tolist()
    for number in range(count):
        recipe = list(arns)[number % len(arns)]
        params = {"recommenderArn": arns[recipe], "userId": asking[number]}
        if RECIPES[recipe].needs_item:
            params["itemId"] = asked[number]
        body = json.dumps(params).encode()
        headers = {"Content-Type": "application/json"}
        signed = AWSRequest("POST", f"{settings.endpoint}/recommendations", headers, body)
        SigV4Auth(signer, "personalize", REGION).add_auth(signed)
        fields = dict(signed.headers) | {"Host": urlsplit(settings.endpoint).netloc, "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        made.append(f"POST /recommendations HTTP/1.1\r\n{head}\r\n".encode() + body)
    return made


def send(settings: Settings, made: list[bytes], per_second: float) -> tuple[list[float], float]:
    """Seconds from each request's due time to its answer, and of all. Raises RuntimeError for an answer but 200."""
    trust = ssl.create_default_context(cafile=str(settings.certificate_authority))
    with trust.wrap_socket(socket.create_connection(("127.0.0.1", settings.port)), server_hostname="127.0.0.1") as line:
        for each in made[:WARM_UP]:
            _ask(line, each)
        seconds, began = [], time.perf_counter()
        for number, each in enumerate(made[WARM_UP:]):
            due = began + number / per_second
            time.sleep(max(due - time.perf_counter(), 0))
            _ask(line, each)
            seconds.append(time.perf_counter() - due)
    return seconds, time.perf_counter() - began


def _ask(line: ssl.SSLSocket, request: bytes) -> None:
    line.sendall(request)
    answer = _more(line)
    while b"\r\n\r\n" not in answer:
        answer += _more(line)
    head, _, body = answer.partition(b"\r\n\r\n")
    fields = dict(row.lower().split(b": ", 1) for row in head.split(b"\r\n")[1:])
    while len(body) < int(fields[b"content-length"]):
        body += _more(line)
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError((head + b"\n" + body).decode())


def _more(line: ssl.SSLSocket) -> bytes:
    if not (read := line.recv(65536)):
        raise RuntimeError("The embedded AWS closed the connection.")
    return read


def latencies(settings: Settings, made: list[bytes], per_second: float) -> tuple[np.ndarray, float]:
    """(requests,) seconds of all clients, and how many requests a second were answered."""
    shares = [made[place::CLIENTS] for place in range(CLIENTS)]
    with ProcessPoolExecutor(CLIENTS, multiprocessing.get_context("spawn")) as clients:
        running = [clients.submit(send, settings, share, per_second / CLIENTS) for share in shares]
        answered = [client.result() for client in running]
    rate = sum(len(seconds) / duration for seconds, duration in answered)
    return np.concatenate([seconds for seconds, _ in answered]), rate


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=300, help="requests a second")
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args(arguments)
    visits = int(np.ceil(given.events / given.users / EVENTS_PER_VISIT))
    frame = planted.shop(given.users, given.items, visits).interactions.sample(given.events, random_state=0)
    users, items = frame["USER_ID"].unique().tolist(), frame["ITEM_ID"].unique().tolist()
    print(f"{len(frame)} events, {len(users)} users, {len(items)} items; load of the machine {os.getloadavg()[0]:.1f}")
    with embedded_aws() as (settings, pid):
        group, seconds = import_group({"Interactions": frame})
        print(f"import: {seconds:.1f} s")
        with watched(pid) as training:
            arns, seconds = create_recommenders(group)
        print(f"all five ACTIVE: {seconds:.1f} s, CPU {training.cpu_seconds:.1f} s, ", end="")
        print(f"memory at most {training.peak_mib:.0f} MiB; load of the machine {os.getloadavg()[0]:.1f}")
        made = requests(settings, user(), arns, users, items, int(given.rate * given.seconds) + CLIENTS * WARM_UP)
        before = cpu_seconds(pid)
        waited, rate = latencies(settings, made, given.rate)
        used = (cpu_seconds(pid) - before) / len(made) * 1000
        p50, p99 = np.quantile(waited, [0.5, 0.99]) * 1000
        print(f"{len(waited)} requests at {rate:.0f}/s (asked for: {given.rate:.0f}/s): ", end="")
        print(f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, slowest {waited.max() * 1000:.0f} ms")
        print(f"CPU {used:.2f} ms a request; load of the machine {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
