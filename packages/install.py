"""Install the dbt packages: from the dbt Hub, or our stand-in where the Hub is not reached."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from dbt.clients.registry import DEFAULT_REGISTRY_BASE_URL

PROJECT = Path(__file__).resolve().parents[1]
STAND_IN = PROJECT / "packages" / "dbt_utils"
INSTALLED = PROJECT / "dbt_packages" / "dbt_utils"


def hub_is_reached(seconds: float = 2.0) -> bool:
    """Ask once and briefly: dbt itself would try for a quarter of a minute."""
    address = urlsplit(DEFAULT_REGISTRY_BASE_URL)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname, port), timeout=seconds).close()
    except OSError:
        return False
    return True


def main() -> None:
    """Leave one line that says which dbt_utils is in use."""
    if hub_is_reached():
        dbt = Path(sys.executable).with_name("dbt")
        done = subprocess.run([dbt, "--quiet", "deps"], cwd=PROJECT, check=False)
        if done.returncode == 0:
            print("dbt_utils: from the dbt Hub, as package-lock.yml says.")
            return
    shutil.rmtree(INSTALLED, ignore_errors=True)
    shutil.copytree(STAND_IN, INSTALLED)
    print("dbt_utils: the stand-in of packages/dbt_utils, for the dbt Hub is not reached.")


if __name__ == "__main__":
    main()
