"""The command line: thin over the same functions that Dagster uses."""

import errno
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, ParamSpec

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from orchestration.errors import BusyError, FlowgrainError
from orchestration.home import Home

if TYPE_CHECKING:
    from orchestration.floor_guard.rules import Finding
    from orchestration.landing.door import Landing
    from orchestration.landing.files import Landed

Parameters = ParamSpec("Parameters")

app = typer.Typer(
    help="Where work waits, at the grain of teams, value streams and systems.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
land = typer.Typer(help="Bring raw events in through the door.", no_args_is_help=True)
app.add_typer(land, name="land")
# What sources, seeds and folders call things is text, whatever stands in it.
console = Console(highlight=False, markup=False, emoji=False)
complaints = Console(stderr=True, highlight=False, markup=False, emoji=False)
# Characters of a line that nobody reads on a screen.
WIDEST = 1000

Target = Annotated[
    Literal["dev", "prod"],
    typer.Option(envvar="FLOWGRAIN_TARGET", help="prod demands a given key."),
]
LoadedTo = Annotated[
    str | None,
    typer.Option(help="Everything before this time is in the data, e.g. 2026-03-31T00:00:00Z."),
]


def said_plainly(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """One clear line instead of a traceback, which could hold what the door keeps out."""

    @wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except FlowgrainError as error:
            complaints.print(f"flowgrain: {error}", soft_wrap=True)
            raise typer.Exit(_exit_code(error)) from None
        except OSError as error:
            # Of what may be written anywhere, this alone can happen to everybody at any time.
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            where = error.filename or Home.from_environment().root
            complaints.print(
                f"flowgrain: The disk of {where} is full. Free space, then run it again",
                soft_wrap=True,
            )
            raise typer.Exit(1) from None

    return run


def _exit_code(error: FlowgrainError) -> int:
    if isinstance(error, BusyError):
        return os.EX_TEMPFAIL
    return 3 if error.rule else 1


@land.command("files")
@said_plainly
def land_files_command(
    folder: Annotated[Path, typer.Argument(help="Folder with files of the contract.")],
    loaded_to: LoadedTo = None,
    target: Target = "dev",
) -> None:
    """Land CSV or Parquet files in the shape of the contract (docs/contract/)."""
    from orchestration.landing.files import land_files

    home = Home.from_environment()
    _tell_files(land_files(home, folder, target=target, loaded_to=_moment(loaded_to), say=_say))


@land.command("demo")
@said_plainly
def land_demo_command(
    scale: Annotated[float, typer.Option(min=0.01, help="Times as many changes.")] = 1.0,
    seed: Annotated[int | None, typer.Option(help="Another organisation of the same kind.")] = None,
    target: Target = "dev",
) -> None:
    """Generate the demo organisation and land it through the files contract."""
    from orchestration.landing.demo import write_demo
    from orchestration.landing.files import land_files

    home = Home.from_environment().prepare()
    with tempfile.TemporaryDirectory(dir=home.ops / "tmp") as folder:
        console.print("Generating the demo organisation …")
        write_demo(Path(folder), scale=scale, seed=seed)
        _tell_files(land_files(home, Path(folder), target=target, is_demo=True, say=_say))


@land.command("git")
@said_plainly
def land_git_command(
    paths: Annotated[list[Path], typer.Argument(help="Clones or bare repositories.")],
    name: Annotated[str | None, typer.Option(help="Repository name, e.g. shop/checkout.")] = None,
    loaded_to: LoadedTo = None,
    target: Target = "dev",
) -> None:
    """Land the history of local git repositories; only new commits the second time."""
    from orchestration.landing.git import land_git

    done = land_git(
        Home.from_environment(),
        paths,
        name=name,
        target=target,
        loaded_to=_moment(loaded_to),
        say=_say,
    )
    _tell(done)


@land.command("github")
@said_plainly
def land_github_command(
    folder: Annotated[Path, typer.Argument(help="Folder with pages of GitHub's REST API.")],
    loaded_to: LoadedTo = None,
    target: Target = "dev",
) -> None:
    """Land pages of GitHub's API that a collector has kept (_raw_github_api_<name>.csv)."""
    from orchestration.landing.github import land_github

    home = Home.from_environment()
    done = land_github(home, folder, target=target, loaded_to=_moment(loaded_to), say=_say)
    _tell(done)


@land.command("devlake")
@said_plainly
def land_devlake_command(
    source: Annotated[
        str,
        typer.Argument(
            envvar="FLOWGRAIN_DEVLAKE",
            show_envvar=True,
            help="Address of DevLake's database, as its DB_URL says it, or a folder of exports.",
        ),
    ],
    loaded_to: LoadedTo = None,
    target: Target = "dev",
) -> None:
    """Land what Apache DevLake has collected; only what is new the second time."""
    from orchestration.landing.devlake import land_devlake

    home = Home.from_environment()
    done = land_devlake(home, source, target=target, loaded_to=_moment(loaded_to), say=_say)
    _tell(done)
    if done.missing_tables:
        console.print(f"Not in this DevLake: {', '.join(done.missing_tables)}")
    for table, columns in done.missing_columns.items():
        console.print(f"{table} has no {', '.join(columns)} here")
    if done.missing_tables or done.missing_columns:
        console.print("What cannot be measured without it, `flowgrain doctor` says after a build.")


@land.command("accounts")
@said_plainly
def land_accounts_command(
    file: Annotated[Path, typer.Argument(help="CSV file with the columns alias, person.")],
    target: Target = "dev",
) -> None:
    """Declare whose the accounts are: only then do the people behind them count."""
    from orchestration.landing.accounts import land_accounts

    named, new = land_accounts(Home.from_environment(), file, target=target)
    if new < named:
        console.print(f"{named - new:,} were declared before: the first declaration stays.")
    if new:
        console.print(f"Declared {new:,} accounts. `flowgrain build` counts them.")
    else:
        console.print("No account was declared anew.")


@app.command("accounts")
@said_plainly
def accounts_command(target: Target = "dev") -> None:
    """Draft the list of accounts that nobody declared; it stays behind the door."""
    from orchestration.landing.accounts import draft_accounts

    path, count = draft_accounts(Home.from_environment(), target=target)
    if not count:
        console.print("Every account that has landed is declared; no list was drafted.")
        return
    console.print(
        f"{count:,} accounts are not declared and count as nobody: {path}", soft_wrap=True
    )
    console.print("Give the accounts of one person the same person, delete those that are")
    console.print(f"nobody of yours, then: flowgrain land accounts {path}", soft_wrap=True)


@app.command("validate")
@said_plainly
def validate_command(
    sources: Annotated[
        list[str] | None, typer.Argument(help="files, github, devlake, git; none is all.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="List what is as expected, too.")] = False,
) -> None:
    """Hold what landed against what is expected of it; counts only. Exits with 1 on an error."""
    from orchestration.landing.contract import SOURCES
    from orchestration.validation.landed import failed, validate

    if unknown := set(sources or ()) - set(SOURCES):
        raise FlowgrainError(
            f"There is no source {min(unknown)}", f"Name some of {', '.join(SOURCES)}"
        )
    home = Home.from_environment()
    results = [result for source in sources or SOURCES for result in validate(home, source)]
    if not results:
        console.print(f"Nothing of {', '.join(sources or SOURCES)} has landed.")
        return
    # What is over the threshold of an error is over that of a warning, and told once.
    worst = {
        (result.source, result.entity, result.name): result
        for result in [*failed(results, "warning"), *failed(results, "error")]
    }
    shown = results if every else list(worst.values())
    if shown:
        # Names are told whole: what is accepted is written with them.
        table = Table("table", "expectation", "result", box=SIMPLE, pad_edge=False)
        for heading in ("rows against it", "of"):
            table.add_column(heading, justify="right")
        for result in shown:
            table.add_row(
                f"{result.source}.{result.entity}",
                result.name,
                "as expected" if result.success else result.severity,
                f"{result.unexpected_count:,}",
                f"{result.element_count:,}",
            )
        _print_whole(table)
    severities = [result.severity for result in worst.values()]
    errors, warnings = severities.count("error"), severities.count("warning")
    console.print(f"{len(results)} expectations: {errors} errors, {warnings} warnings.")
    if errors:
        console.print("Put right at its source what is an error and land it anew, or accept it")
        console.print("in the file that FLOWGRAIN_EXPECTATIONS names (docs/validation.md).")
        raise typer.Exit(1)


@app.command("replay")
@said_plainly
def replay_command(target: Target = "dev") -> None:
    """Read again what is in quarantine, as the contract has it today; what is no row stays."""
    from orchestration.landing.replay import replay

    done = replay(Home.from_environment(), target=target, say=_say)
    if not done.counts:
        console.print("Nothing that is kept in quarantine can be read again.")
    _tell(done)
    if any(count.rows_inserted + count.rows_updated for count in done.counts.values()):
        console.print("`flowgrain build` counts what landed.")


@app.command("disconnect")
@said_plainly
def disconnect_command(
    source: Annotated[str, typer.Argument(help="files, github, devlake or git.")],
    connection: Annotated[
        str, typer.Argument(help="As `flowgrain doctor` prints one that is behind.")
    ],
) -> None:
    """Wait no longer for a connection that is over: what it brought stays, and weeks close."""
    from orchestration.landing.connections import disconnect

    disconnect(Home.from_environment(), source, connection)
    console.print("`flowgrain build` waits for it no longer; landing it connects it anew.")


@app.command("build")
@said_plainly
def build_command(target: Target = "dev") -> None:
    """Build and test every model on what has landed. Publishes nothing."""
    from orchestration.build import build

    with console.status("Building …"):
        kinds = build(Home.from_environment(), target=target)
    console.print(
        f"Built {kinds.get('model', 0)} models and {kinds.get('seed', 0)} seeds; "
        f"{kinds.get('test', 0)} data tests passed."
    )


@app.command("check")
@said_plainly
def check_command(
    target: Target = "dev",
    pin: Annotated[
        bool, typer.Option("--pin", help="Pin the guard as it stands, after its review.")
    ] = False,
) -> None:
    """Hold the project against the grain floor, without a database: nothing is built or read."""
    from orchestration.build import compile_project
    from orchestration.floor_guard.project import check_project, refuse
    from orchestration.home import PROJECT

    def tell(findings: "list[Finding]") -> None:
        for finding in findings:
            console.print(str(finding), soft_wrap=True)
        refuse(findings)

    manifest = compile_project(Home.from_environment(), target=target, pins=pin, tell=tell)
    tell(check_project(manifest, PROJECT))
    console.print("The project tells of no person.")


@app.command("publish")
@said_plainly
def publish_command(target: Target = "dev") -> None:
    """Let the gate check the candidates and swap in a new release."""
    from orchestration.floor_guard.postgresql import published_server
    from orchestration.floor_guard.publish import publish

    home = Home.from_environment()
    release = publish(home, target=target)
    console.print(f"Published release {release.release} to {home.published}", soft_wrap=True)
    if published_server():
        console.print("PostgreSQL holds the same, for the reader role and nobody else.")


@app.command("verify")
@said_plainly
def verify_command() -> None:
    """Hold what is published against its release report, on PostgreSQL too where it is set."""
    from orchestration.floor_guard.postgresql import published_server
    from orchestration.floor_guard.publish import verify

    verify(Home.from_environment())
    console.print("The published file is what the gate released.")
    if published_server():
        console.print("So is what PostgreSQL holds, and readers may do nothing but read it.")


@app.command("export")
@said_plainly
def export_command(
    folder: Annotated[Path, typer.Argument(help="Folder for one file per table.")],
    form: Annotated[
        Literal["csv", "parquet"], typer.Option("--format", help="What the files are.")
    ] = "csv",
) -> None:
    """Write each table of the release to a file, as CSV or Parquet."""
    from orchestration.floor_guard.export import export

    files = export(Home.from_environment(), folder, form=form)
    console.print(f"Wrote {len(files)} files to {folder}", soft_wrap=True)


@app.command("docs")
@said_plainly
def docs_command(
    folder: Annotated[Path, typer.Argument(help="Folder for the page.")],
    expectations: Annotated[
        bool, typer.Option("--expectations", help="Write what the tables were held against.")
    ] = False,
) -> None:
    """Write a page that describes the published tables; it holds nothing of the vault."""
    from orchestration.floor_guard.public_docs import write_docs

    home = Home.from_environment()
    if expectations:
        from orchestration.validation.published import write_expectations

        page = write_expectations(home, folder)
    else:
        page = write_docs(home, folder)
    console.print(f"Wrote {page}", soft_wrap=True)


@app.command("summary")
@said_plainly
def summary_command() -> None:
    """Print the wait-intensity matrix and flow efficiency of the release."""
    from orchestration.summary import print_summary

    print_summary(Home.from_environment())


@app.command("ask")
@said_plainly
def ask_command(
    name: Annotated[str | None, typer.Argument(help="Name of a question; none lists them.")] = None,
) -> None:
    """Answer a question of analyses/ from the release."""
    from orchestration.questions import answer, questions

    if name is None:
        for question in questions():
            console.print(f"{question.name}\n    {question.text}", soft_wrap=True)
        return
    given = answer(Home.from_environment(), name)
    table = Table(*given.columns, box=SIMPLE)
    for row in given.rows:
        table.add_row(*row)
    if console.is_terminal:
        for column in table.columns:
            column.overflow = "fold"
        console.print(table)
    else:
        _print_whole(table)


@app.command("dev")
@said_plainly
def dev_command(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port on this machine's loopback address.")
    ] = 3000,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Show only: no page of a browser can start a run.")
    ] = False,
) -> None:
    """Open Dagster on the graph from landing to release, for this machine only.

    Read-only it runs no schedules: `dagster-daemon run` does.
    """
    from orchestration.dagster_home import end_lost_runs, prepare_dagster_home

    home = Home.from_environment().prepare()
    os.environ.update(
        FLOWGRAIN_HOME=str(home.root),
        DAGSTER_HOME=str(prepare_dagster_home(home)),
        DO_NOT_TRACK="1",
    )
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise FlowgrainError(
                f"Port {port} is taken", "Stop what listens there, or give another with --port"
            ) from None
    if not read_only:
        end_lost_runs(home)
    name, *options = ["dagster-webserver", "--read-only"] if read_only else ["dagster", "dev"]
    program = Path(sys.executable).with_name(name)
    where = ["-h", "127.0.0.1", "-p", str(port), "-m", "orchestration.definitions"]
    os.execv(program, [str(program), *options, *where])


@app.command("doctor")
@said_plainly
def doctor_command() -> None:
    """List what is not mapped, stale or quarantined, and why a metric is not measurable."""
    from orchestration.doctor import examine

    for title, lines in examine(Home.from_environment()).items():
        console.print(f"\n{title}", style="bold")
        for line in lines or ["nothing"]:
            console.print(f"  {line}", soft_wrap=True)


@app.command("init")
@said_plainly
def init_command(
    folder: Annotated[Path, typer.Argument(help="Folder for the organisation seeds.")],
    clones: Annotated[
        list[Path] | None, typer.Option("--clone", help="Clone whose CODEOWNERS to read.")
    ] = None,
) -> None:
    """Draft the organisation seeds from CODEOWNERS and from what is not mapped yet."""
    from orchestration.init import draft

    for line in draft(Home.from_environment(), folder, clones or []):
        console.print(line, soft_wrap=True)


def _print_whole(table: Table) -> None:
    """Print a table as wide as it is: whatever is cut off would be lost to a file or a pipe."""
    needed = Measurement.get(console, console.options.update(max_width=WIDEST), table).maximum
    Console(highlight=False, markup=False, emoji=False, width=max(needed, console.width)).print(
        table
    )


def _say(line: str) -> None:
    console.print(line)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise FlowgrainError(
            "--loaded-to is no time with a zone", "Write it like 2026-03-31T00:00:00Z"
        )
    if moment > datetime.now(UTC):
        raise FlowgrainError(
            "--loaded-to lies in the future", "Give the time up to which everything is in the data"
        )
    return moment


def _tell(done: "Landing") -> None:
    """What became of the rows, by entity."""
    counts = done.counts
    if done.made_key:
        console.print("Made a key file that only you can read: door/person.key in FLOWGRAIN_HOME.")
    if counts:
        table = Table("entity", box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
        table.columns[0].min_width = max(len(entity) for entity in counts)
        for heading in ("read", "new", "updated", "known", "superseded", "quarantined"):
            table.add_column(heading, justify="right")
        for entity, count in counts.items():
            numbers = (
                count.rows_read,
                count.rows_inserted,
                count.rows_updated,
                count.rows_unchanged,
                count.rows_superseded,
                count.rows_quarantined,
            )
            table.add_row(entity, *(f"{number:,}" for number in numbers))
        console.print(table)
    if any(count.rows_quarantined for count in counts.values()):
        console.print("Rows in quarantine: `flowgrain doctor` says which and why.")
    if done.unchanged:
        console.print(f"Unchanged since the last load: {', '.join(done.unchanged)}")


def _tell_files(done: "Landed") -> None:
    """The same for files, and what was left out of them."""
    _tell(done)
    for name, columns in done.dropped_columns.items():
        console.print(f"{name}: dropped columns outside the contract: {_printable(columns)}")
    if done.ignored_files:
        console.print(f"Ignored, no files of the contract: {_printable(done.ignored_files)}")


def _printable(names: list[str]) -> str:
    """Names that others gave, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in ", ".join(names))


if __name__ == "__main__":
    app()
