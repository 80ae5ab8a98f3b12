"""Takes the screenshots of docs/operations.md: `.venv/bin/python docs/images/make.py`.

Wants Chromium (Debian: apt-get install chromium). Builds a tenth of the demo organisation in a
folder of its own, lets its source go stale, and looks at Dagster as somebody on call would.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import dagster as dg
import duckdb

from orchestration.dagster_home import prepare_dagster_home
from orchestration.home import Home

FOLDER = Path(__file__).parent
PORT = 3999
SCALE = 0.1
PAGES = {
    "lineage": "asset-groups?open-nodes=default",
    "failed-check": "assets/candidate/wait_intensity?view=checks",
    "freshness": "assets/files/changes?view=overview",
}


def run_everything() -> None:
    """Land, build, release; then let the source age beyond its window, and check again."""
    home = Home.from_environment().prepare()
    os.environ["DAGSTER_HOME"] = str(prepare_dagster_home(home))
    # Reads the environment when it is loaded.
    from orchestration import assets
    from orchestration.definitions import defs

    installation = assets.Installation.from_environment()
    installation = installation.model_copy(update={"demo_scale": SCALE})
    resources = {"installation": installation}
    with dg.DagsterInstance.get() as instance:
        whole = defs.resolve_implicit_global_asset_job_def()
        whole.execute_in_process(resources=resources, instance=instance)
        with duckdb.connect(str(home.vault)) as vault:
            vault.execute("update door.connections set landed_at = landed_at - interval 1 month")
        checks = dg.Definitions(asset_checks=[assets.sources_are_fresh], resources=resources)
        checks.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)


def look() -> None:
    """Photograph each page once the server answers."""
    program = Path(sys.executable).with_name("flowgrain")
    server = subprocess.Popen([str(program), "dev", "--port", str(PORT)], start_new_session=True)
    try:
        address = f"http://127.0.0.1:{PORT}"
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/server_info", timeout=5).close()
                break
            except OSError:
                time.sleep(1)
        for name, page in PAGES.items():
            options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1600,1000"]
            options += ["--virtual-time-budget=30000", f"--screenshot={FOLDER / name}.png"]
            subprocess.run(["chromium", *options, f"{address}/{page}"], check=True)
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.wait(timeout=60)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FLOWGRAIN_HOME"] = f"{folder}/home"
        os.environ["FLOWGRAIN_FILES"] = "demo"
        run_everything()
        look()
