"""The check of local files: what a run would say of them, in its words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from common import intake
from infra import files


def _written(folder: Path, **texts: str) -> list[str]:
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return [str(folder)]


def test_good_files_are_counted_and_bad_ones_named_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    events = "".join(f"u{n},i{n},170000000{n},View\n" for n in range(3))
    given = _written(
        tmp_path,
        target__a="timestamp,item_id,demand\n2026-01-01,milk,3\n",
        target__b="item_id,timestamp,sales\nmilk,2026-01-01,3\n",
        interactions__a=f"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n{events}",
    )
    assert files.main(["--dataset", "sample", *given]) == 1
    printed = capsys.readouterr().out
    for line in (
        "target: 1 file with 1 row to import, 1 refused",
        f"refused: {tmp_path}/target/b.csv, row 1: in the header 'item_id,timestamp,sales' demand is missing and sales",
        "interactions: 1 file with 3 rows to import, 0 refused",
        "note: an import takes 1,000 rows at least: a run waits for 997 more",
    ):
        assert line in printed, printed


def test_rows_that_a_newer_file_replaces_are_not_counted(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    given = _written(
        tmp_path,
        target__a="milk,2025-01-01,3\nmilk,2025-01-02,3\n",
        target__b="milk,2025-01-01,3\n",
        target__c="milk,2025-01-01,4\n",
    )
    for at, path in enumerate(sorted(tmp_path.rglob("*.csv"))):
        os.utime(path, (at, at))
    assert files.main(["--dataset", "sample", *given]) == 0
    printed = capsys.readouterr().out
    assert "target: 2 files with 2 rows to import, 0 refused" in printed, printed
    assert f"1 row of {tmp_path}/target/a.csv is in {tmp_path}/target/c.csv too" in printed, printed


def test_what_no_file_shows_alone_is_found_too(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    given = _written(
        tmp_path,
        target__a="milk,2025-01-01,3\n",
        target__b="milk,2025-01-02,3\nmilk,2099-01-01,3\n",
        metadata__a="Milk,dairy,Alp\n",
    )
    assert files.main(["--dataset", "sample", *given]) == 1
    printed = capsys.readouterr().out
    for line in (
        "target: 1 file with 1 row to import, 1 refused",
        f"refused: {tmp_path}/target/b.csv, row 2, timestamp: '2099-01-01' lies in the future",
        f"{tmp_path}/metadata/a.csv, row 1, item_id: 'Milk' differs from 'milk' ({tmp_path}/target/a.csv, row 1)",
    ):
        assert line in printed, printed


def test_the_kind_is_given_or_the_folders_or_the_names(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    _written(tmp_path, sales="milk,2026-01-01,3\n", target_2026="milk,2026-01-02,3\n")
    assert files.main(["--dataset", "sample", str(tmp_path / "target_2026.csv")]) == 0
    assert files.main(["--dataset", "sample", str(tmp_path / "sales.csv")]) == 1
    assert "sales.csv: of which dataset? Put it into a folder of that name (target," in capsys.readouterr().err
    assert files.main(["--dataset", "sample", "--kind", "target", str(tmp_path / "sales.csv")]) == 0
    assert files.main(["--dataset", "sample", "--kind", "targets", str(tmp_path / "sales.csv")]) == 1
    assert "targets: not among the datasets of sample; there are target, related" in capsys.readouterr().err


def test_a_header_that_personalize_refuses_is_not_the_schema_of_good_files(tmp_path: Path) -> None:
    """Personalize ignores underscores in names (docs/aws-sources.md#personalize-data-prep-formatting)."""
    from recommending.schema import expecting

    config: Any = {"domain": "ECOMMERCE", "datasets": {"interactions": {}}}
    given = _written(tmp_path, a="USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENTTYPE\nu,i,1735689600,View,q\n")
    _written(tmp_path, b="USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\nu,i,1735689600,View\n", c="ITEM_ID,TIMESTAMP\ni,1\n")
    found = [files.LocalFile(Path(given[0]) / f"{name}.csv") for name in "abc"]
    checked = intake.check(found, expecting(config, "interactions"), newest_counts=False)
    assert checked.layouts.keys() == {found[1].name}
    assert "EVENT_TYPE and EVENTTYPE differ only in underscores or case" in checked.refused[found[0].name]
    assert "USER_ID, EVENT_TYPE are missing" in checked.refused[found[2].name]
