"""A lifecycle script on its own, and the fence around an instance."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from localaws.s3 import Access
from localaws.services.sagemaker import volume
from localaws.services.sagemaker.machine import Failed, run_script

ARN = "arn:aws:sagemaker:eu-west-1:000000000000:notebook-instance/n"
ACCESS = Access("arn:role", "https://127.0.0.1:1", "/ca.pem", "us-east-1", "ASIAX", "secret", "token")
WRITES = """
import sys
from pathlib import Path
from localaws import fence
inside, outside = Path(sys.argv[1]), Path(sys.argv[2])
assert fence.keep_inside(inside, inside.parent / "state", [inside.parent / "state/shown"])
(inside / "a").mkdir()
(inside / "a" / "file").write_text("x")
(inside / "a" / "file").rename(inside / "file")
Path("/dev/null").write_text("x")
for write in (lambda: (outside / "new").write_text("x"), lambda: (outside / "kept").write_text("x"),
              lambda: (outside / "kept").unlink(), lambda: (inside / "file").rename(outside / "file")):
    try:
        write()
    except PermissionError:
        print("kept out")
try:
    (inside.parent / "state" / "settings.json").read_text()
except PermissionError:
    print("kept secret")
print((inside.parent / "state" / "shown").read_text(), (outside / "kept").read_text())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an instance, and its environment as this process's own."""
    volume.prepare(tmp_path, "n", ARN, ACCESS, "token")
    for name, value in volume.environment({"PATH": "/usr/bin:/bin"}, tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_a_script_for_sagemaker_runs_unchanged_in_the_folder(folder: Path) -> None:
    script = """#!/bin/bash
set -euo pipefail
sudo -u ec2-user -i <<'EOF'
echo hello > /home/ec2-user/SageMaker/one
EOF
sudo -u ec2-user LANGUAGE=en bash -c 'echo $LANGUAGE $HOME' > /tmp/two
chown ec2-user:ec2-user /home/ec2-user/SageMaker/one
cp "/opt/ml/metadata/resource-metadata.json" ~/SageMaker/
echo /var/tmp/x /tmpx > "$TMPDIR/three"
"""
    run_script(folder, "OnStart", script)
    assert (folder / "home/ec2-user/SageMaker/one").read_text() == "hello\n"
    assert (folder / "tmp/two").read_text() == f"en {folder}/home/ec2-user\n"
    assert ARN in (folder / "home/ec2-user/SageMaker/resource-metadata.json").read_text()
    assert (folder / "tmp/three").read_text() == "/var/tmp/x /tmpx\n"


def test_a_script_that_fails_or_takes_too_long_says_so(folder: Path) -> None:
    with pytest.raises(Failed, match=r"OnCreate failed with exit code 3: no such bucket \(log: .*OnCreate.log\)"):
        run_script(folder, "OnCreate", "echo no such bucket; exit 3")
    with pytest.raises(Failed, match="OnStart took longer than 1 seconds"):
        run_script(folder, "OnStart", "exec sleep 60", seconds=1)


def test_aws_clients_find_region_endpoint_and_credentials_in_the_home(folder: Path) -> None:
    code = (
        "import boto3; s = boto3.Session(); k = s.get_credentials(); c = s.client('sts');"
        "print(k.access_key, k.token, s.region_name, c.meta.endpoint_url)"
    )
    python, nothing = folder / "python/bin/python", {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    done = subprocess.run([python, "-c", code], env=nothing, capture_output=True, text=True, check=True)
    assert done.stdout == "ASIAX token eu-west-1 https://127.0.0.1:1\n"


def test_the_environment_reveals_nothing_of_the_machine_outside(tmp_path: Path) -> None:
    outside = {"AWS_ACCESS_KEY_ID": "root", "PYTHONPATH": "/repo", "HOME": "/root", "PIP_INDEX_URL": "https://mirror"}
    outside |= {"GITHUB_TOKEN": "secret", "SSH_AUTH_SOCK": "/agent"}
    inside = volume.environment(outside, tmp_path)
    assert inside["PIP_INDEX_URL"] == "https://mirror" and inside["HOME"] == str(tmp_path / "home/ec2-user")
    assert "AWS_ACCESS_KEY_ID" not in inside and "PYTHONPATH" not in inside
    assert not {"GITHUB_TOKEN", "SSH_AUTH_SOCK", "JUPYTER_TOKEN"} & inside.keys()


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or ctypes.CDLL(None).syscall(444, None, 0, 1) < 2, reason="needs Landlock"
)
def test_nothing_outside_the_folder_can_be_written_nor_the_hidden_be_read(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "kept").write_text("as it was")
    (tmp_path / "state").mkdir()
    for name in ("settings.json", "shown"):
        (tmp_path / "state" / name).write_text(name)
    (outside / "link").symlink_to(tmp_path / "state")
    done = subprocess.run([sys.executable, "-c", WRITES, inside, outside], capture_output=True, text=True)
    assert done.stdout.count("kept out") == 4, done.stderr
    assert done.stdout.endswith("kept secret\nshown as it was\n"), done.stderr
    assert (
        sorted(each.name for each in outside.iterdir()) == ["kept", "link"]
        and (outside / "kept").read_text() == "as it was"
    )
