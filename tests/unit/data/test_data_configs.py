"""Each pipeline.yaml and the files of its dataset agree on columns, horizon and minimum events."""

from pathlib import Path

import pytest

from data.sample.prepare import prepare as prepare_sample

DATA = Path(__file__).parents[3] / "data"
FOLDERS = ["grocery", "grocery_weekly", "sample"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_has_config_and_readme_with_licence(config, folder):
    assert config(folder)["dataset"] == folder.replace("_", "-")
    readme = (DATA / folder / "README.md").read_text()
    assert "licence" in readme.lower() and f"python -m data.{folder}" in readme


@pytest.mark.parametrize("folder", FOLDERS)
def test_config_stays_within_the_services_limits(config, folder):
    sections = config(folder)
    forecasting = sections["forecasting"]
    assert len(forecasting["quantiles"]) <= 5
    assert all(len(types) <= 5 for types in forecasting["forecasts"].values())
    for name, columns in forecasting["datasets"].items():
        assert list(columns)[0] == "item_id"
        assert name == "metadata" or "timestamp" in columns
    if "recommending" in sections:
        assert sections["recommending"]["publish"]["name_column"] == "PRODUCT_NAME"


def test_sample_files_follow_the_config(config, check_files, tmp_path):
    prepare_sample(tmp_path)
    check_files(tmp_path, config("sample"))
