"""What a release says at a glance, read from the published file and from nothing else."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestration.errors import FlowgrainError
from orchestration.floor_guard.constants import STAGES
from orchestration.floor_guard.vocabulary import open_published
from orchestration.home import Home

IN_WORDS = {
    "withheld": "withheld",
    "no_data": "no data",
    "not_measurable": "not measurable",
}
CLASSES = {1: "low", 2: "elevated", 3: "binding"}
STYLES = {1: "", 2: "yellow", 3: "bold red"}


# So that four stages and a name fit a terminal of eighty columns without a break in the words.
LONGEST_WORDS = max(len(words) for words in IN_WORDS.values())


@dataclass(frozen=True)
class Figure:
    """A share with its range, or the reason why there is none."""

    status: str
    share: Decimal | None
    lower: Decimal | None
    upper: Decimal | None

    def in_words(self) -> str:
        """Say the share and its range in percent; say so where there is none."""
        if self.status != "ok":
            return IN_WORDS.get(self.status, self.status)
        if self.share is None:
            return _span(self.lower, self.upper)
        return f"{self.share * 100:.0f} % ({_span(self.lower, self.upper)})"


NO_DATA = Figure("no_data", None, None, None)


def _span(lower: Decimal | None, upper: Decimal | None) -> str:
    if lower is None or upper is None:
        return "no range"
    return f"{lower * 100:.0f} to {upper * 100:.0f} %"


def print_summary(home: Home, console: Console | None = None) -> None:
    """Print the wait-intensity matrix and flow efficiency of the newest quarter with figures."""
    console = console or Console()
    if not home.published.exists():
        raise FlowgrainError("Nothing is published yet", "Run `flowgrain publish`")
    connection = open_published(home.published)
    try:
        _print_figures(connection, console)
    except duckdb.Error:
        raise FlowgrainError(
            f"{home.published} lacks what the summary shows", "Run `flowgrain publish` again"
        ) from None
    finally:
        connection.close()
    _print_where_next(home.published, console)


def _print_figures(connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    quarter = _newest_quarter(connection)
    if quarter is None:
        console.print("No quarter is closed and loaded yet, so there is nothing to show.")
        return
    streams = connection.execute(
        """
        select value_stream_key, value_stream_label from marts.dim_value_stream
        order by value_stream_label, value_stream_key
        """
    ).fetchall()
    name = f"the quarter that began on {quarter:%d %B %Y}"
    console.print(Text(f"Where changes wait, in {name}", style="bold"))
    console.print(_matrix(connection, quarter, streams))
    console.print("Share of a change's working life spent waiting in the stage, 95 % range.")
    console.print("▲ binding: relieve this stage first. Withheld: too little to tell of a group.")
    console.print()
    console.print(Text(f"Flow efficiency, in {name}", style="bold"))
    console.print(_efficiencies(connection, quarter, streams))
    console.print()


def _newest_quarter(connection: duckdb.DuckDBPyConnection) -> date | None:
    """Return the newest quarter with a figure; without any, the newest."""
    row = connection.execute(
        """
        select bucket_start from marts.wait_intensity
        where grain = 'value_stream' and bucket = 'quarter'
        group by bucket_start
        order by bool_or(status = 'ok') desc, bucket_start desc
        limit 1
        """
    ).fetchone()
    return row[0] if row else None


def _matrix(
    connection: duckdb.DuckDBPyConnection, quarter: date, streams: list[tuple[str, str]]
) -> Table:
    cells = {
        (key, stage.lower()): (intensity, is_binding, Figure(status, share, lower, upper))
        for key, stage, intensity, is_binding, status, share, lower, upper in connection.execute(
            """
            select
                grain_key, stage, intensity, is_binding, status,
                wait_share, wait_share_lower, wait_share_upper
            from marts.wait_intensity
            where grain = 'value_stream' and bucket = 'quarter' and bucket_start = ?
            """,
            [quarter],
        ).fetchall()
    }
    table = _plain_table("Value stream", *(stage.capitalize() for stage in STAGES))
    for key, label in streams:
        row = [Text(label)]
        for stage in STAGES:
            row.append(_cell(*cells.get((key, stage), (None, None, NO_DATA))))
        table.add_row(*row)
    return table


def _cell(intensity: int | None, is_binding: bool | None, figure: Figure) -> Text:
    if figure.status != "ok" or intensity is None:
        return Text(figure.in_words(), style="dim")
    mark = "▲ " if is_binding else ""
    head = f"{mark}{intensity} {CLASSES.get(intensity, '')}".rstrip()
    share = f"{figure.share * 100:.0f} %" if figure.share is not None else "share banded"
    lines = [head, share, f"({_span(figure.lower, figure.upper)})"]
    return Text("\n".join(lines), style=STYLES.get(intensity, ""))


def _efficiencies(
    connection: duckdb.DuckDBPyConnection, quarter: date, streams: list[tuple[str, str]]
) -> Table:
    found = {
        key: (Figure(status, share, lower, upper), sample_size)
        for key, status, share, lower, upper, sample_size in connection.execute(
            """
            select
                grain_key, status, flow_efficiency, flow_efficiency_lower,
                flow_efficiency_upper, sample_size
            from marts.flow_efficiency
            where grain = 'value_stream' and bucket = 'quarter' and bucket_start = ?
            """,
            [quarter],
        ).fetchall()
    }
    table = _plain_table("Value stream", "Active share of working life", "Changes")
    for key, label in streams:
        figure, sample_size = found.get(key, (NO_DATA, None))
        size = f"{sample_size:,}" if sample_size is not None else ""
        table.add_row(
            Text(label), Text(figure.in_words(), style="" if figure.status == "ok" else "dim"), size
        )
    return table


def _plain_table(*headers: str) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True, padding=(0, 1)
    )
    for place, header in enumerate(headers):
        table.add_column(header, overflow="fold", min_width=LONGEST_WORDS if place else None)
    return table


def _print_where_next(path: Path, console: Console) -> None:
    lines = (
        f"Open it yourself, e.g. in Python: duckdb.connect({str(path)!r}, read_only=True)",
        "What is missing and why: make doctor (or flowgrain doctor)",
        "Runs, lineage and checks: make dev",
    )
    for line in lines:
        console.print(Text(line), soft_wrap=True)
