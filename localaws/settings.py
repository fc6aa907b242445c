"""Where one embedded AWS runs and keeps its state: a port, a folder, a certificate and the root credentials."""

import fnmatch
import json
import secrets
import shutil
import ssl
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from localaws import files
from localaws.files import StateError

# Of the layout of a state folder. Folders from before it was noted have the layout 1.
STATE_VERSION = 1
_PRIVATE = 0o700
DEFAULT_PORT = 4566
DEFAULT_STATE = Path(".localaws")
REGION = "us-east-1"

# The names under which it answers, all of them of this machine.
HOSTS = ("127.0.0.1", "localhost", "*.localhost")
# Names of AWS's endpoints, which lead to it inside a notebook instance: of services, of S3's buckets, of SageMaker.
AWS_HOSTS = (
    "*.amazonaws.com",
    f"*.{REGION}.amazonaws.com",
    "*.s3.amazonaws.com",
    f"*.s3.{REGION}.amazonaws.com",
    f"*.sagemaker.{REGION}.amazonaws.com",
)

# Step Functions' waits are minutes on AWS and seconds here: a job of an hour there takes seconds here.
WAIT_SCALE = 0.1


def is_one_of(host: str, names: Iterable[str]) -> bool:
    """Whether a name is one of `names`, in which an asterisk is one label, as in a certificate."""
    host = host.lower()
    return any(fnmatch.fnmatchcase(host, each) and host.count(".") == each.count(".") for each in names)


def is_aws_host(host: str) -> bool:
    return is_one_of(host, AWS_HOSTS)


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
    """The settings of the embedded AWS in folder `state`, made at its first start and read ever after.

    Raises StateError for a folder that is not usable, naming the file and the remedy.
    """
    state = state.resolve()
    try:
        state.mkdir(parents=True, exist_ok=True)
        if stat.S_IMODE(state.stat().st_mode) != _PRIVATE:
            state.chmod(_PRIVATE)
        path = state / "settings.json"
        with files.locked(state / "settings.lock"):
            known = _read(path) if path.exists() else _new_settings(state)
            wanted = known | {"port": known.get("port", DEFAULT_PORT) if port is None else port}
            if not 0 < wanted["port"] < 2**16:
                raise StateError(f"Port {wanted['port']} is none of 1 to 65535. Choose another one with --port.")
            settings = Settings(wanted["port"], state, wanted["access_key"], wanted["secret_key"])
            if not path.exists() or wanted != known:
                files.replace(path, json.dumps(wanted), keep_previous=True)
            if not settings.certificate.parent.exists():
                _make_certificate(settings)
    except OSError as error:
        raise StateError(
            f"The state folder {state} cannot be used: {error}. Choose another one with --state."
        ) from None
    _check_certificate(settings)
    return settings


def _read(path: Path) -> dict[str, Any]:
    """Raises StateError for settings that are not those of an embedded AWS of this version."""
    try:
        known = json.loads(path.read_text())
    except ValueError as error:
        raise StateError(f"{path} is damaged: it is not JSON ({error}). {files.remedy(path)}") from None
    members = {"access_key": str, "secret_key": str, "port": int, "version": int}
    known = {"port": DEFAULT_PORT, "version": 1} | known if isinstance(known, dict) else {}
    for name, kind in members.items():
        if type(known.get(name)) is not kind or not known[name]:
            found = repr(known.get(name)) if name in known else "missing"
            raise StateError(f"{path} is damaged: {name} is {found}, not a {kind.__name__}. {files.remedy(path)}")
    if known["version"] != STATE_VERSION:
        raise StateError(
            f"{path.parent} has the layout {known['version']}; this Storecast reads the layout {STATE_VERSION}. Next: "
            "use the Storecast that made the folder, choose another folder with --state, or start empty with "
            "`python -m localaws reset`."
        )
    return known


def _new_settings(state: Path) -> dict[str, Any]:
    """With the root user's key. Raises StateError where there is state whose key is gone."""
    if (state / "emulator").exists() or (state / "resources.sqlite").exists():
        path = state / "settings.json"
        raise StateError(f"{path}, which holds the root user's key, is gone. {files.remedy(path)}")
    key = {"access_key": "LOCAL" + secrets.token_hex(12).upper(), "secret_key": secrets.token_urlsafe(30)}
    return {"version": STATE_VERSION} | key


def _check_certificate(settings: Settings) -> None:
    """Raises StateError unless the certificate, its key and its authority are there and belong together."""
    folder = settings.certificate.parent
    try:
        ssl.create_default_context(cafile=str(settings.certificate_authority))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.certificate, settings.private_key)
    except OSError as error:  # ssl.SSLError is one
        raise StateError(
            f"The TLS files in {folder} are damaged ({error}). Next: delete the folder, and new ones are made; clients "
            "need the new certificate authority then."
        ) from None


def _make_certificate(settings: Settings) -> None:
    """In a folder beside, that is renamed when it is complete."""
    scratch = settings.certificate.parent.with_suffix(".part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=_PRIVATE)
    authority = trustme.CA(organization_name="Storecast embedded AWS")
    server = authority.issue_cert(*HOSTS, *AWS_HOSTS)
    chain = b"".join(pem.bytes() for pem in server.cert_chain_pems)
    parts = {"ca.pem": authority.cert_pem.bytes(), "server.key": server.private_key_pem.bytes(), "server.pem": chain}
    for name, content in parts.items():
        files.replace(scratch / name, content)
    scratch.replace(settings.certificate.parent)


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
