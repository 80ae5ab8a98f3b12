"""Drafts who owns what, from CODEOWNERS and from what has landed, for somebody to correct.

A draft never names a person: an owner that is no team leaves its paths with the default team.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.errors import FlowgrainError
from orchestration.home import PROJECT, Home
from orchestration.landing.contract import SOURCES, entities
from orchestration.landing.git.clone import Clone
from orchestration.landing.vault import read_vault

# In the order in which the hosts look: GitHub's places, then GitLab's own.
PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
# A team is named with what it belongs to; one name alone may be a person's.
TEAM = re.compile(r"^@(?P<name>[\w.-]+(?:/[\w.-]+)+)$")
SECTION = re.compile(r"^\^?\[(?P<name>[^\]]+)\](?:\[\d+\])?(?P<owners>(?:\s.*)?)$")
UNESCAPED_SPACE = re.compile(r"(?<!\\)\s+")
WILD = re.compile(r"[*?\[\]]")

UNSORTED = "Not sorted yet"
NO_ORGANISATION = "Team of everything"
DEFAULT_CALENDAR = "default"
WORKDAYS = range(1, 6)
KEY_FORMS = {"systems": "s_{:03d}", "teams": "t_{:02d}", "value_streams": "vs_{}"}

Row = dict[str, str]


@dataclass(frozen=True)
class Rule:
    """Who owns the paths below a prefix; no team where people do, or nobody."""

    team: str | None
    is_of_people: bool


@dataclass
class Ownership:
    """What a CODEOWNERS file says that can be said with prefixes and teams."""

    rules: dict[str, Rule] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Seeds:
    """The seeds of an organisation in a folder: read once, and only ever added to."""

    def __init__(self, folder: Path) -> None:
        """Take the columns from the demo's files, which dbt's own tests hold to their form."""
        self.folder = folder
        self.rows: dict[str, list[Row]] = {}
        self.added: dict[str, list[Row]] = {}
        self._columns: dict[str, list[str]] = {}
        for demo in sorted((PROJECT / "seeds/organisation").glob("*.csv")):
            columns, _ = _read(demo)
            path = folder / demo.name
            found, rows = _read(path) if path.exists() else (columns, [])
            if found != columns:
                raise FlowgrainError(
                    f"{path}: its columns are not {', '.join(columns)}",
                    "Give it these columns, or name another folder",
                )
            self._columns[demo.stem], self.rows[demo.stem] = columns, rows
            self.added[demo.stem] = []

    def add(self, seed: str, *values: str) -> Row:
        """Put a row at the end; columns that are not given stay empty."""
        columns = self._columns[seed]
        row = dict.fromkeys(columns, "") | dict(zip(columns, values, strict=False))
        self.rows[seed].append(row)
        self.added[seed].append(row)
        return row

    def next_key(self, seed: str) -> str:
        """A key that says nothing, so that a name can change without breaking history."""
        form = KEY_FORMS[seed]
        taken = {next(iter(row.values())) for row in self.rows[seed]}
        number = 1
        while (key := form.format(number)) in taken:
            number += 1
        return key

    def write(self) -> None:
        """Add the new rows behind what stands there; a file that is not there begins with names."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for seed, columns in self._columns.items():
            path = self.folder / f"{seed}.csv"
            is_new = not path.exists()
            if not is_new and not self.added[seed]:
                continue
            text = io.StringIO()
            if not is_new and not path.read_text(encoding="utf-8").endswith("\n"):
                text.write("\n")
            writer = csv.DictWriter(text, columns, lineterminator="\n")
            if is_new:
                writer.writeheader()
            writer.writerows(self.added[seed])
            with path.open("a", encoding="utf-8", newline="") as file:
                file.write(text.getvalue())


def draft(home: Home, folder: Path, clones: list[Path]) -> list[str]:
    """Add to the seeds in a folder what they lack; the lines say what, and what to do next.

    Rows that are there stay as they are, so that a second draft adds nothing to the first.
    """
    opened = [Clone(path) for path in clones]
    landed = _landed_repositories(home)
    if not opened and not landed:
        raise FlowgrainError(
            "There is nothing to draft from",
            "Name clones with --clone, or land something first",
        )
    try:
        seeds = Seeds(folder)
        organisation = _Draft(seeds)
        notes = [note for clone in opened for note in organisation.add_clone(clone)]
        for repository in landed:
            organisation.add_repository(repository)
        organisation.add_calendar()
        seeds.write()
    except OSError as error:
        raise FlowgrainError(
            f"{folder} cannot be written ({error.strerror})", "Name a folder that is yours"
        ) from None
    return [*notes, *_summary(seeds)]


class _Draft:
    """Systems, teams and paths that are not in the seeds yet."""

    def __init__(self, seeds: Seeds) -> None:
        self.seeds = seeds

    def add_clone(self, clone: Clone) -> Iterator[str]:
        """A system per team of its CODEOWNERS; what that leaves open is the default team's."""
        found = _codeowners(clone)
        if found is None:
            yield f"{clone.name}: no CODEOWNERS"
            self.add_repository(clone.name)
            return
        place, ownership = found
        yield from (f"{clone.name}, {place}, {note}" for note in ownership.notes)
        if paths := sum(rule.is_of_people for rule in ownership.rules.values()):
            yield (
                f"{clone.name}, {place}: {_number(paths, 'path')} of people left with the default "
                "team; a person is never drafted as a team"
            )
        teams = {prefix: rule.team for prefix, rule in ownership.rules.items()}
        default = self.add_repository(clone.name, teams.pop("", None))
        for prefix, team in sorted(teams.items()):
            self._add_path(clone.name, prefix, team, default)

    def add_repository(self, repository: str, team: str | None = None) -> str:
        """Its default system, of the team that owns everything or of whom the repository is."""
        for path in self.seeds.rows["system_paths"]:
            if path["repository"] == repository and not path["path_prefix"]:
                return path["system_key"]
        owner, _, name = repository.rpartition("/")
        system = self._add_system(name, team or owner or NO_ORGANISATION)
        self.seeds.add("system_paths", repository, "", system)
        return system

    def _add_path(self, repository: str, prefix: str, team: str | None, default: str) -> None:
        """A path of its own only where the path above it does not say the same."""
        paths = {
            path["path_prefix"]: path["system_key"]
            for path in self.seeds.rows["system_paths"]
            if path["repository"] == repository
        }
        if prefix in paths:
            return
        above = max((p for p in paths if prefix.startswith(p)), key=len)
        system = self._system_of_team(set(paths.values()), team) if team else default
        if system == paths[above]:
            return
        name = f"{repository.rpartition('/')[2]} {prefix.rstrip('/')}"
        self.seeds.add("system_paths", repository, prefix, system or self._add_system(name, team))

    def _system_of_team(self, systems: set[str], team: str | None) -> str | None:
        keys = {r["team_key"] for r in self.seeds.rows["teams"] if r["team_label"] == team}
        for owner in self.seeds.rows["system_owners"]:
            if owner["system_key"] in systems and owner["team_key"] in keys:
                return owner["system_key"]
        return None

    def _add_system(self, label: str, team: str | None) -> str:
        key = self.seeds.next_key("systems")
        self.seeds.add("systems", key, label, "medium", "false")
        self.seeds.add("system_owners", key, self._team(team or NO_ORGANISATION))
        return key

    def _team(self, label: str) -> str:
        for row in self.seeds.rows["teams"]:
            if row["team_label"] == label:
                return row["team_key"]
        key = self.seeds.next_key("teams")
        self.seeds.add("teams", key, label, DEFAULT_CALENDAR)
        self.seeds.add("team_value_streams", key, self._unsorted_stream())
        return key

    def _unsorted_stream(self) -> str:
        """Where new teams wait until somebody says which stream is theirs."""
        for row in self.seeds.rows["value_streams"]:
            if row["value_stream_label"] == UNSORTED:
                return row["value_stream_key"]
        key = self.seeds.next_key("value_streams")
        self.seeds.add("value_streams", key, UNSORTED)
        return key

    def add_calendar(self) -> None:
        """The calendar that serves every team until it has its own."""
        if any(r["calendar_key"] == DEFAULT_CALENDAR for r in self.seeds.rows["calendars"]):
            return
        for weekday in WORKDAYS:
            self.seeds.add("calendars", DEFAULT_CALENDAR, "UTC", str(weekday), "09:00", "17:00")


def _codeowners(clone: Clone) -> tuple[str, Ownership] | None:
    """The file of the newest commit, whatever is checked out; a bare repository has no other."""
    there = set(clone.lines("ls-tree", "-r", "--name-only", clone.tip, "--", *PLACES))
    place = next((place for place in PLACES if place in there), None)
    if place is None:
        return None
    folders = {
        name.decode("utf-8", "replace") + "/"
        for name in clone.tokens("ls-tree", "-r", "-d", "-z", "--name-only", clone.tip)
    }
    return place, read_codeowners(clone.lines("show", f"{clone.tip}:{place}"), folders)


def read_codeowners(lines: Iterable[str], folders: set[str]) -> Ownership:
    """Reduce the lines to prefixes; `folders` are those of the repository, with a slash behind.

    In a section the last line that fits a path counts, so it undoes narrower ones before it. A
    section stands beside the others, so of those that own the same prefix the first counts.
    """
    ownership = Ownership()
    section: dict[str, Rule] = {}
    defaults: list[str] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if found := SECTION.match(text):
            ownership.rules = section | ownership.rules
            section, defaults = {}, found["owners"].split()
            continue
        pattern, *owners = UNESCAPED_SPACE.split(text)
        owners = owners[: _first_comment(owners)] or defaults
        prefix, note = _prefix(pattern.replace("\\", ""), folders)
        if note:
            ownership.notes.append(f"line {number}: {note}")
        if prefix is None:
            continue
        teams = [team["name"] for owner in owners if (team := TEAM.match(owner))]
        if len(teams) > 1:
            ownership.notes.append(f"line {number}: {len(teams)} teams; the first was taken")
        rule = Rule(teams[0] if teams else None, bool(owners) and not teams)
        if _is_shallow(pattern):
            section.setdefault(prefix, rule)
            continue
        for narrower in [known for known in section if known.startswith(prefix)]:
            del section[narrower]
        section[prefix] = rule
    ownership.rules = section | ownership.rules
    return ownership


def _first_comment(owners: list[str]) -> int:
    return next((i for i, owner in enumerate(owners) if owner.startswith("#")), len(owners))


def _is_shallow(pattern: str) -> bool:
    """Such a pattern fits a folder's own files only, so it gives way to any other."""
    return pattern.endswith("/*") and not pattern.endswith("**/*")


def _prefix(pattern: str, folders: set[str]) -> tuple[str | None, str | None]:
    """Prefix of the paths that a pattern fits, and a note where the two are not the same."""
    if pattern.startswith("!"):
        return None, "skipped, an exception is no prefix"
    if pattern in ("*", "**", "/", "/**", "/**/*"):
        return "", None
    if pattern == "/*":
        return "", "taken for everything, though it names the top folder's own files"
    path = pattern.removeprefix("/")
    for ending in ("/**/*", "/**", "/*", "/"):
        if path.endswith(ending):
            path = path.removesuffix(ending)
            break
    if WILD.search(path):
        return None, "skipped, its wildcard is no prefix"
    path += "/"
    if path not in folders:
        return None, "skipped, it names no folder"
    if _is_shallow(pattern):
        return path, f"taken for everything in {path}, though it names the folder's own files"
    below = sum(folder.endswith(f"/{path}") for folder in folders)
    if pattern.startswith("/") or "/" in path[:-1] or not below:
        return path, None
    return path, f"taken for {path} at the top, not for {_number(below, 'folder')} below"


def _landed_repositories(home: Home) -> list[str]:
    """Repositories of every source, from what the door wrote: no model needs to be built."""
    if not home.vault.exists():
        return []
    tables = [
        f'raw_{source}."{entity.name}"'
        for source in SOURCES
        for entity in entities(source).values()
        if "repository" in {column.name for column in entity.landed}
    ]
    with read_vault(home) as vault:
        there = {
            f'{schema}."{name}"'
            for schema, name in vault.execute(
                "select table_schema, table_name from information_schema.tables"
            ).fetchall()
        }
        selects = [f"select repository from {table}" for table in tables if table in there]
        if not selects:
            return []
        query = f"select distinct repository from ({' union all '.join(selects)}) order by 1"
        return [repository for (repository,) in vault.execute(query).fetchall()]


def _read(path: Path) -> tuple[list[str], list[Row]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = [{k: v or "" for k, v in row.items() if k} for row in reader]
            return list(reader.fieldnames or []), rows
    except (UnicodeDecodeError, csv.Error):
        raise FlowgrainError(f"{path} is no CSV file in UTF-8", "Save it as one") from None


def _summary(seeds: Seeds) -> list[str]:
    """What was added, and where a person who knows better goes on."""
    added = {seed: len(rows) for seed, rows in seeds.added.items() if rows}
    lines = [f"{seed}.csv: {_number(count, 'row')} added" for seed, count in added.items()]
    if not added:
        return ["Nothing to add: every repository is in system_paths.csv"]
    return [
        *lines,
        f"Next, in {seeds.folder}:",
        "  teams.csv: label each team and give it its calendar; one with the name of a person's "
        "account becomes the team that the person is in",
        "  value_streams.csv, team_value_streams.csv: name the streams, sort the teams into them",
        "  systems.csv: label systems, say how critical they are; split one by adding to "
        "system_paths.csv",
        "  calendars.csv, holidays.csv: time zones, hours and days off",
        f"FLOWGRAIN_ORGANISATION={seeds.folder.resolve()} makes `flowgrain build` use it",
    ]


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count:,} {noun}s"
