"""A build of some models by the real dbt under the real lock, for the whole takes a minute.

As a program it says `comes` and `builds`, and ends its build only when it is told to.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration import build
from orchestration.home import Home

# Some of each kind: seeds, tables and a view.
SOME = (
    "--select", "path:seeds/organisation", "+stg_canonical__changes",
    # No test of what is not selected.
    "--indirect-selection", "cautious",
)  # fmt: skip
TURNS = "turns"
run_dbt = build.run_dbt


def build_some(home: Home, *, then: Callable[[], None] = lambda: None) -> dict[str, int]:
    """`flowgrain build` without its look at the whole project before, and something at its end."""

    def run_some(home: Home, *arguments: str) -> "subprocess.CompletedProcess[str]":
        done = run_dbt(home, *arguments, *SOME)
        then()
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "prepare_build", lambda *_, **__: None)
        patch.setattr(build, "run_dbt", run_some)
        return build.build(home)


def main(home: Home, name: str) -> None:
    """Write down when dbt had run, and when it was told to end."""

    def take_turn() -> None:
        for word in ("builds", "ends"):
            with (home.root / TURNS).open("a") as file:
                file.write(f"{name} {word}\n")
            if word == "builds":
                print(word, flush=True)
                sys.stdin.readline()

    print("comes", flush=True)
    build_some(home, then=take_turn)


if __name__ == "__main__":
    main(Home(Path(sys.argv[1])), sys.argv[2])
