"""Commands that a page of the documentation tells users to run, to be run as they stand."""

import os
import re
import subprocess
from collections.abc import Mapping

from orchestration.home import PROJECT


def commands(page: str, heading: str) -> list[str]:
    """Blocks of shell below a heading of a page, in their order."""
    text = (PROJECT / "docs" / page).read_text(encoding="utf-8")
    section = re.split(r"^## ", text.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def run(block: str, environment: Mapping[str, str]) -> None:
    """Run a block from the project's folder, and stop where a line of it fails."""
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=PROJECT,
        env={**os.environ, **environment},
        check=True,
    )
