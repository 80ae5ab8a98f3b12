"""What a build through Dagster costs over plain dbt, on a tenth of the demo organisation.

Prints the seconds of three builds each way, in turn, and the ratio of their medians. Dagster writes
some two thousand events of a build into SQLite; what else it does is waiting for dbt.
"""

import io
import os
import statistics
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

import dagster as dg

from orchestration.build import build
from orchestration.dagster_home import prepare_dagster_home
from orchestration.home import Home
from orchestration.landing.demo import write_demo
from orchestration.landing.files import land_files

SCALE = 0.1
ROUNDS = 3


def main() -> None:
    """Land once, build six times."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FLOWGRAIN_HOME"] = f"{folder}/home"
        home = Home.from_environment().prepare()
        demo = Path(folder) / "demo"
        demo.mkdir()
        write_demo(demo, scale=SCALE)
        land_files(home, demo, is_demo=True)
        os.environ["DAGSTER_HOME"] = str(prepare_dagster_home(home))
        # Reads the environment when it is loaded.
        from orchestration.definitions import defs

        job = defs.resolve_job_def("build_models")
        seconds: dict[str, list[float]] = {"dbt": [], "Dagster": []}
        with dg.DagsterInstance.get() as instance:
            for _ in range(ROUNDS):
                begun = time.perf_counter()
                build(home)
                seconds["dbt"].append(time.perf_counter() - begun)
                begun = time.perf_counter()
                with redirect_stdout(io.StringIO()):
                    job.execute_in_process(instance=instance)
                seconds["Dagster"].append(time.perf_counter() - begun)
    medians = {way: statistics.median(taken) for way, taken in seconds.items()}
    for way, taken in seconds.items():
        print(f"{way:8} {', '.join(f'{each:.1f}' for each in taken)} s")
    print(f"Dagster ÷ dbt: {medians['Dagster'] / medians['dbt']:.2f}")


if __name__ == "__main__":
    main()
