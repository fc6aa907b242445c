"""Known holes in the pinned packages, as PyPI knows them: `python .ci/audit.py`.

Exits with 0 where none is known, 1 where one is, and 2 where the audit could not be made, such as without a network: an
audit that saw nothing has found nothing out. pip-audit itself ends well then, and says so in a line per package.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_TOOL = "pip-audit==2.10.1"
_REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"


def verdict(output: str, errors: str) -> tuple[int, str]:
    """The exit code, and what to say, of what pip-audit printed in its format json."""
    try:
        packages: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        reason = (errors.strip() or output.strip() or "it printed nothing").splitlines()[-1]
        return 2, f"NOT AUDITED: pip-audit failed: {reason}\nIt needs PyPI: run `make audit` with a network."
    holes = [
        f"{each['name']} {each['version']}: {hole['id']}, fixed in {', '.join(hole['fix_versions']) or 'none'}"
        for each in packages
        for hole in each.get("vulns", ())
    ]
    unknown = [f"{each['name']}: {each['skip_reason']}" for each in packages if "skip_reason" in each]
    lines = [*holes, *(f"not audited: {each}" for each in unknown[:5])]
    if len(unknown) > 5:
        lines.append(f"not audited: {len(unknown) - 5} more")
    if unknown:
        lines.append(
            f"NOT AUDITED: {len(unknown)} of {len(packages)} packages; PyPI gave no data. Without a network, "
            "or with an index that does not serve PyPI's JSON API, nothing can be audited: run `make audit` with PyPI."
        )
    if holes:
        lines.append("`make lock UPGRADE='--upgrade-package NAME'` takes a newer version.")
    if not lines:
        lines.append(f"{len(packages)} packages audited, no known hole.")
    return (1 if holes else 2 if unknown else 0), "\n".join(lines)


def main() -> int:
    command = ["uv", "tool", "run", _TOOL, "-r", str(_REQUIREMENTS), "--no-deps", "--disable-pip", "--format", "json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    code, message = verdict(ran.stdout, ran.stderr)
    print(message, file=sys.stderr if code else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main())
