#!/bin/bash
# At each start: brings the notebooks with their data, and watches for the instance to be idle.
set -euo pipefail
folder=/home/ec2-user/SageMaker/storecast
aws s3 cp --quiet --region {region} {notebooks} /tmp/notebooks.zip
sudo -u ec2-user mkdir -p "$folder"
# What is there stays as the learner left it; what is missing comes.
sudo -u ec2-user python3 - "$folder" <<'END'
import pathlib
import sys
import zipfile

folder = pathlib.Path(sys.argv[1])
with zipfile.ZipFile("/tmp/notebooks.zip") as archive:
    for name in archive.namelist():
        if not (folder / name).exists():
            archive.extract(name, folder)
END
sudo -u ec2-user tee "$folder/storecast.env" > /dev/null <<'END'
{settings}
END
aws s3 cp --quiet --region {region} {stop_when_idle} /opt/ml/stop_when_idle.py
nohup python3 /opt/ml/stop_when_idle.py {instance} {region} {idle_minutes} > /tmp/stop_when_idle.log 2>&1 &
