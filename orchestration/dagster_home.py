"""Where Dagster keeps its runs and logs: in the vault, for both may quote what a tool said."""

from pathlib import Path

from orchestration.home import Home

SETTINGS = """\
# Written by flowgrain. Nothing is reported to anybody, and nobody is asked for an address.
telemetry:
  enabled: false
nux:
  enabled: false
"""


def prepare_dagster_home(home: Home) -> Path:
    """Make the folder that DAGSTER_HOME names; settings that are there already stay."""
    folder = home.prepare().ops / "dagster"
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = folder / "dagster.yaml"
    if not settings.exists():
        settings.write_text(SETTINGS, encoding="utf-8")
    return folder
