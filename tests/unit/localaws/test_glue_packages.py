"""Which wheels Glue's Python would install, by their names."""

import pytest

from localaws.services.glue.jobs.packages import installable


@pytest.mark.parametrize(
    ("wheel", "fits"),
    [
        ("storecast_engines-0.1.0-py3-none-any.whl", True),
        ("six-1.17.0-py2.py3-none-any.whl", True),
        ("numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", True),
        ("lightgbm-4.7.0-py3-none-manylinux_2_28_x86_64.whl", True),
        ("cryptography-46.0-cp38-abi3-manylinux_2_28_x86_64.whl", True),
        ("cryptography-46.0-cp313-abi3-manylinux_2_28_x86_64.whl", False),
        ("numpy-2.4.6-cp313-cp313-manylinux_2_28_x86_64.whl", False),
        ("numpy-2.4.6-cp311-cp311-manylinux_2_28_aarch64.whl", False),
        ("numpy-2.4.6-cp311-cp311-macosx_14_0_x86_64.whl", False),
        ("numpy-2.4.6-cp311-cp311-musllinux_1_2_x86_64.whl", False),
        ("old-1.0-py2-none-any.whl", False),
    ],
)
def test_a_wheel_fits_or_not(wheel: str, fits: bool) -> None:
    assert installable(wheel) == fits
