"""Where one embedded AWS runs and keeps its state: a port, a folder, a certificate and the root credentials."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

DEFAULT_PORT = 4566
DEFAULT_STATE = Path(".localaws")
REGION = "us-east-1"

# The names under which it answers, all of them of this machine.
HOSTS = ("127.0.0.1", "localhost", "*.localhost")

# Step Functions' waits are minutes on AWS and seconds here: a job of an hour there takes seconds here.
WAIT_SCALE = 0.1


@dataclass(frozen=True)
class Settings:
    port: int
    state: Path
    access_key: str
    secret_key: str

    @property
    def endpoint(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def certificate_authority(self) -> Path:
        return self.state / "tls" / "ca.pem"

    @property
    def certificate(self) -> Path:
        return self.state / "tls" / "server.pem"

    @property
    def private_key(self) -> Path:
        return self.state / "tls" / "server.key"

    @property
    def faults(self) -> Path:
        return self.state / "faults.json"

    @property
    def used_rights(self) -> Path:
        return self.state / "used_rights.jsonl"

    @property
    def log(self) -> Path:
        return self.state / "log.txt"

    @property
    def process_file(self) -> Path:
        return self.state / "process.json"


def prepare(state: Path, port: int | None = None) -> Settings:
    """The settings of the embedded AWS in folder `state`, made at its first start and read ever after."""
    state = state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    path = state / "settings.json"
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else _credentials()
    known["port"] = port or known.get("port", DEFAULT_PORT)
    path.touch(mode=0o600)
    path.write_text(json.dumps(known))
    settings = Settings(known["port"], state, known["access_key"], known["secret_key"])
    if not settings.certificate.exists():
        _make_certificate(settings)
    return settings


def _credentials() -> dict[str, Any]:
    """The root user's key."""
    return {"access_key": "LOCAL" + secrets.token_hex(12).upper(), "secret_key": secrets.token_urlsafe(30)}


def _make_certificate(settings: Settings) -> None:
    settings.certificate.parent.mkdir(exist_ok=True)
    authority = trustme.CA(organization_name="Storecast embedded AWS")
    server = authority.issue_cert(*HOSTS)
    authority.cert_pem.write_to_path(settings.certificate_authority)
    settings.private_key.touch(mode=0o600)
    server.private_key_pem.write_to_path(settings.private_key)
    for pem in server.cert_chain_pems:
        pem.write_to_path(settings.certificate, append=True)


def client_environment(settings: Settings) -> dict[str, str]:
    """What any AWS client needs in its environment to talk to this embedded AWS."""
    return {
        "AWS_ENDPOINT_URL": settings.endpoint,
        "AWS_ACCESS_KEY_ID": settings.access_key,
        "AWS_SECRET_ACCESS_KEY": settings.secret_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CA_BUNDLE": str(settings.certificate_authority),
        "NODE_EXTRA_CA_CERTS": str(settings.certificate_authority),
    }


def server_environment(settings: Settings) -> dict[str, str]:
    """What ministack reads when it is imported; its Lambda workers inherit it."""
    return client_environment(settings) | {
        "AUTH": "true",
        "USE_SSL": "1",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(settings.port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "MINISTACK_SSL_CERT": str(settings.certificate),
        "MINISTACK_SSL_KEY": str(settings.private_key),
        "SSL_CERT_FILE": str(settings.certificate_authority),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(settings.state / "emulator"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(settings.state / "s3"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "SFN_WAIT_SCALE": str(WAIT_SCALE),
        "LAMBDA_EXECUTOR": "local",
        "ATHENA_ENGINE": "duckdb",
        "LOG_LEVEL": "WARNING",
        # An answer's matrices are small: a second thread spins longer than the first one calculates. Jobs share the
        # cores among themselves.
        "OPENBLAS_NUM_THREADS": "1",
    }
