"""The release on a real PostgreSQL: it is what the file is, and readers may do nothing but read."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
import servers
from psycopg import errors, sql
from publish_lab import Lab

from orchestration.errors import FlowgrainError
from orchestration.floor_guard import postgresql, publish
from orchestration.floor_guard.publish import verify

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/publish-to-postgresql.md"
NAME = "flowgrain"
PASSWORD = "open s@same/%"
SECRETS = ("s@same", "s%40same", servers.PASSWORD)
SWAPS = 12
State = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Database:
    """The database that the page for its administrator sets up."""

    server: servers.Server

    def url(self, user: str, password: str = PASSWORD, *, name: str = NAME) -> str:
        """Address of the database for one of its roles."""
        return self.server.url(name, user=user, password=password).replace(" ", "%20")

    @property
    def administrator(self) -> str:
        """Address for the superuser who set it up."""
        return self.url("lake", servers.PASSWORD)

    def connect(self, user: str) -> psycopg.Connection[Any]:
        """Log in as one of its roles; each statement is a transaction."""
        return psycopg.connect(self.url(user), autocommit=True)

    def sql(self, statements: str) -> None:
        """Do something as the superuser."""
        with psycopg.connect(self.administrator, autocommit=True) as connection:
            connection.execute(statements.encode())

    def state(self, schema: str = "marts") -> State:
        """Every row of every table of the release, in an order of their own."""
        with psycopg.connect(self.administrator) as connection:
            names = connection.execute(
                "select tablename from pg_tables where schemaname = %s", [schema]
            ).fetchall()
            return {
                name: in_order(
                    connection.execute(
                        sql.SQL("select * from {}").format(sql.Identifier(schema, name))
                    ).fetchall()
                )
                for (name,) in names
            }


def in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows in one order, whatever they hold."""
    return sorted(rows, key=repr)


def file_state(lab: Lab) -> State:
    """Every row of every table of the file."""
    with closing(duckdb.connect(str(lab.home.published), read_only=True)) as file:
        names = file.execute("select table_name from duckdb_tables()").fetchall()
        return {
            name: in_order(file.execute(f'from marts.marts."{name}"').fetchall())
            for (name,) in names
        }


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Run a server with the database that the page sets up, word for word."""
    (found,) = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found.count("'CHANGE ME'") == found.count("'CHANGE ME TOO'") == 1
    secret = "'" + PASSWORD.replace("'", "''") + "'"
    with servers.running("postgresql", tmp_path_factory.mktemp("server")) as server:
        database = Database(server)
        with psycopg.connect(
            database.url("lake", servers.PASSWORD, name="postgres"), autocommit=True
        ) as connection:
            connection.execute(f"create database {NAME} encoding 'UTF8' template template0")
        database.sql(found.replace("'CHANGE ME'", secret).replace("'CHANGE ME TOO'", secret))
        yield database


@pytest.fixture(autouse=True)
def address(database: Database, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have every release of this module go to the database."""
    url = database.url("flowgrain_publisher")
    monkeypatch.setenv("FLOWGRAIN_PUBLISHED_TO", url)
    monkeypatch.delenv("FLOWGRAIN_READER_ROLE", raising=False)
    return url


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one installation that the gate passed, to be copied."""
    root = tmp_path_factory.mktemp("lab") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("FLOWGRAIN_PUBLISHED_TO", raising=False)
        Lab(root).publish()
    return root


@pytest.fixture
def lab(honest: Path, tmp_path: Path, database: Database, address: str) -> Lab:
    """Give an installation of its own whose release is on the server."""
    root = tmp_path / "home"
    shutil.copytree(honest, root)
    lab = Lab.at(root)
    settle(lab, database)
    return lab


@dataclass(frozen=True)
class Standing:
    """An installation and what readers see of it, which no attack changes."""

    lab: Lab
    file: dict[str, bytes]
    state: State


@pytest.fixture(scope="module")
def released(honest: Path, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Make one more installation, for the attacks."""
    root = tmp_path_factory.mktemp("standing") / "home"
    shutil.copytree(honest, root)
    return Lab.at(root)


@pytest.fixture
def standing(released: Lab, database: Database, address: str) -> Standing:
    """Give one installation to all attacks."""
    settle(released, database)
    return Standing(released, released.published_state(), database.state())


def settle(lab: Lab, database: Database) -> None:
    """Have the server hold what the installation published."""
    if database.state() != file_state(lab):
        lab.publish()


def refusal_of(rule: str | None, act: Any, *arguments: Any) -> str:
    """Expect this rule's refusal, in words that hold no password."""
    with pytest.raises(FlowgrainError) as caught:
        act(*arguments)
    told = str(caught.value)
    assert caught.value.rule == rule, told
    assert not any(secret in told for secret in SECRETS)
    return told


def change(lab: Lab, size: int) -> None:
    """Offer another release: its sample sizes are all of one number."""
    lab.sql(f"update flowgrain_candidate.metric_observations set numerator = {size} "
            "where status = 'ok' and statistic = 'count'")  # fmt: skip
    lab.sql(f"update flowgrain_candidate.wait_intensity set sample_size = {size}")


# What arrives.


def test_the_release_on_the_server_is_the_file_cell_by_cell(lab: Lab, database: Database) -> None:
    label = 'Zähl\\Werk, "A" B'
    for table in ("flowgrain_seeds.teams", "flowgrain_candidate.dim_team"):
        lab.sql(f"update {table} set team_label = '{label}' where team_key = 't_01'")
    lab.add_column("dim_team", "rank", "integer", "case when team_key = 't_01' then -7 end")
    lab.publish()
    state = database.state()
    assert state == file_state(lab)
    assert (label, -7) in {(row[1], row[3]) for row in state["dim_team"]}
    assert len(state) == 6
    assert all(state.values())
    verify(lab.home)


def test_types_and_comments_arrive_too(lab: Lab, database: Database) -> None:
    with psycopg.connect(database.administrator) as connection:
        kinds = connection.execute(
            """
            select distinct column_name, data_type, numeric_precision, numeric_scale
            from information_schema.columns
            where column_name in ('value', 'as_of', 'is_binding', 'grain')
            and table_schema = 'marts'
            order by 1
            """
        ).fetchall()
        comments = connection.execute(
            """
            select distinct col_description(attrelid, attnum) from pg_attribute
            where attrelid in (select oid from pg_class where relnamespace = 'marts'::regnamespace)
            and attnum > 0
            """
        ).fetchall()
        remark = connection.execute("select obj_description('marts.dim_team'::regclass)").fetchone()
    assert [kind[:2] for kind in kinds] == [
        ("as_of", "date"), ("grain", "text"), ("is_binding", "boolean"), ("value", "numeric")
    ]  # fmt: skip
    assert kinds[-1][2:] == (18, 4)
    assert comments == [("It's told.",)]
    assert remark == ("One row per dim_team.",)


def test_the_report_names_the_rules_and_not_the_server(lab: Lab) -> None:
    lab.publish()
    report = lab.home.release_report.read_text()
    assert all(f'"{rule}"' in report for rule in ("S03", "S05", "S06", "S07", "S08"))
    assert not any(word in report for word in (*SECRETS, "postgres", "127.0.0.1", "publisher"))


def test_without_the_setting_no_server_is_asked(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.delenv("FLOWGRAIN_PUBLISHED_TO")
    before = database.state()
    change(lab, 77)
    lab.publish()
    verify(lab.home)
    assert database.state() == before
    assert '"S05"' not in lab.home.release_report.read_text()


def test_the_release_before_does_not_exist_any_more(lab: Lab, database: Database) -> None:
    """ATK59: neither by its name, nor aside, nor to a transaction that is older than the swap."""
    before = database.state()
    with (
        psycopg.connect(database.url("bi_tool")) as early,
        psycopg.connect(database.administrator) as administrator,
    ):
        early.execute("set transaction isolation level repeatable read")
        early.execute("select 1")
        number = administrator.execute("select 'marts.dim_team'::regclass::oid").fetchone()
        change(lab, 78)
        lab.publish()
        sizes = early.execute("select distinct sample_size from marts.wait_intensity").fetchall()
        assert sizes == [(78,)]
        schemas = administrator.execute("select nspname from pg_namespace").fetchall()
        told = {name for (name,) in schemas if not name.startswith("pg_")}
        assert told == {"information_schema", "marts"}
        assert number
        gone = administrator.execute("select 1 from pg_class where oid = %s", number).fetchall()
        assert gone == []
        for name in ("marts_next.dim_team", "marts_old.dim_team"):
            with pytest.raises(errors.Error, match="does not exist"), early.transaction():
                early.execute(f"select * from {name}".encode())
    assert database.state() == file_state(lab) != before


# What readers may do.


def test_a_reader_reads_the_release_and_the_catalogue_of_it(lab: Lab, database: Database) -> None:
    with database.connect("bi_tool") as reader:
        rows = reader.execute("select count(*) from marts.metric_observations").fetchone()
        assert rows == (len(file_state(lab)["metric_observations"]),)
        listed = reader.execute(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
        assert len(listed) == 6


@pytest.mark.parametrize(
    "statement",
    [
        "insert into marts.dim_team values ('t', 't', 't')",
        "update marts.dim_team set team_label = ''",
        "delete from marts.dim_team",
        "truncate marts.dim_team",
        "comment on table marts.dim_team is 'told'",
        "create table marts.more (x int)",
        "create temporary table more (x int)",
        "create schema more",
        "create view marts.more as select 1",
        "create rule told as on insert to marts.dim_team do instead nothing",
        "select lo_create(0)",
        "select lo_from_bytea(0, 'told')",
        "select rolpassword from pg_authid",
        "select pg_read_file('postgresql.conf')",
        "copy marts.dim_team to program 'true'",
        "set role flowgrain_publisher",
        "drop schema marts cascade",
    ],
)
def test_a_reader_may_do_nothing_else(
    standing: Standing, database: Database, statement: str
) -> None:
    with database.connect("bi_tool") as reader, pytest.raises(errors.InsufficientPrivilege):
        reader.execute(statement.encode())
    assert database.state() == standing.state


# ATK45, ATK46: what somebody granted or made.

ASIDE = "create schema aside; create table aside.raw (person_key text);"
NO_ASIDE = "drop schema aside cascade"
LEAK = "returns bigint language sql as 'select 1::bigint'"
ATTACKS: dict[str, tuple[str, str, str]] = {
    "a table to the reader": (
        "S05", f"{ASIDE} grant select on aside.raw to flowgrain_reader", NO_ASIDE),
    "a table to everybody": ("S05", f"{ASIDE} grant select on aside.raw to public", NO_ASIDE),
    "a table to a login": ("S05", f"{ASIDE} grant select on aside.raw to bi_tool", NO_ASIDE),
    "a column": ("S05", f"{ASIDE} grant select (person_key) on aside.raw to bi_tool", NO_ASIDE),
    "a view": (
        "S05",
        f"{ASIDE} create view aside.told as table aside.raw; grant select on aside.told to public",
        NO_ASIDE,
    ),
    "a sequence": (
        "S05", f"{ASIDE} create sequence aside.s; grant usage on sequence aside.s to bi_tool",
        NO_ASIDE),
    "a schema": ("S05", f"{ASIDE} grant usage on schema aside to flowgrain_reader", NO_ASIDE),
    "to create in public": (
        "S05", "create schema public; grant create on schema public to public",
        "drop schema public"),
    "to create in the release": (
        "S05", "grant create on schema marts to bi_tool",
        "revoke create on schema marts from bi_tool"),
    "to write the release": (
        "S05", "grant update on marts.dim_team to flowgrain_reader",
        "revoke update on marts.dim_team from flowgrain_reader"),
    "to write a column": (
        "S05", "grant update (team_label) on marts.dim_team to flowgrain_reader",
        "revoke update (team_label) on marts.dim_team from flowgrain_reader"),
    "to pass it on": (
        "S05", "grant select on marts.dim_team to bi_tool with grant option",
        "revoke all on marts.dim_team from bi_tool"),
    "the publisher's role": (
        "S05", "grant flowgrain_publisher to flowgrain_reader",
        "revoke flowgrain_publisher from flowgrain_reader"),
    "the publisher's role to a login": (
        "S05", "grant flowgrain_publisher to bi_tool", "revoke flowgrain_publisher from bi_tool"),
    "all data": (
        "S05", "grant pg_read_all_data to flowgrain_reader",
        "revoke pg_read_all_data from flowgrain_reader"),
    "the server's files through a team": (
        "S05", "create role bi_team in role flowgrain_reader; create role ida login in role "
        "bi_team; grant pg_read_server_files to ida", "drop role ida, bi_team"),
    "programs to the publisher": (
        "S05", "grant pg_execute_server_program to flowgrain_publisher",
        "revoke pg_execute_server_program from flowgrain_publisher"),
    "a superuser who reads": (
        "S05", "create role ida superuser login in role flowgrain_reader", "drop role ida"),
    "a reader who makes roles": (
        "S05", "alter role bi_tool createrole", "alter role bi_tool nocreaterole"),
    "a reader who replicates": (
        "S05", "alter role flowgrain_reader replication",
        "alter role flowgrain_reader noreplication"),
    "a publisher who bypasses row security": (
        "S05", "alter role flowgrain_publisher bypassrls",
        "alter role flowgrain_publisher nobypassrls"),
    "a reader who owns a table": (
        "S05", f"{ASIDE} alter table aside.raw owner to bi_tool", NO_ASIDE),
    "a publisher who reads as a member": (
        "S05", "grant flowgrain_reader to flowgrain_publisher",
        "revoke flowgrain_reader from flowgrain_publisher"),
    "a definer's function in the release": (
        "S05", f"create function marts.leak() {LEAK} security definer", "drop function marts.leak"),
    "a definer's function aside": (
        "S05", f"{ASIDE} create function aside.leak() {LEAK} security definer", NO_ASIDE),
    "a function in the system's schema": (
        "S05", f"create function pg_catalog.leak() {LEAK}", "drop function pg_catalog.leak"),
    "a function of the server's as definer": (
        "S06", "alter function pg_catalog.pg_backend_pid() security definer",
        "alter function pg_catalog.pg_backend_pid() security invoker"),
    "default privileges to everybody": (
        "S05", "alter default privileges for role flowgrain_publisher grant select on tables "
        "to public", "alter default privileges for role flowgrain_publisher revoke select on "
        "tables from public"),
    "default privileges in a schema": (
        "S05", f"{ASIDE} alter default privileges in schema aside grant select on tables "
        "to flowgrain_reader", NO_ASIDE),
    "a large object": (
        "S05", "select lo_create(4711); grant select on large object 4711 to flowgrain_reader",
        "select lo_unlink(4711)"),
    "every large object": (
        "S05", f"alter database {NAME} set lo_compat_privileges = on",
        f"alter database {NAME} reset lo_compat_privileges"),
    "a setting of superusers": (
        "S05", "grant set on parameter lo_compat_privileges to bi_tool",
        "revoke set on parameter lo_compat_privileges from bi_tool"),
    "a foreign server": (
        "S05", "create foreign data wrapper w; create server far foreign data wrapper w; "
        "grant usage on foreign server far to flowgrain_reader",
        "drop foreign data wrapper w cascade"),
    "a foreign data wrapper": (
        "S05", "create foreign data wrapper w; grant usage on foreign data wrapper w to bi_tool",
        "drop foreign data wrapper w cascade"),
    "a user mapping": (
        "S05", "create foreign data wrapper w; create server far foreign data wrapper w; "
        "create user mapping for public server far", "drop foreign data wrapper w cascade"),
    "the passwords": (
        "S05", "grant select on pg_authid to flowgrain_reader",
        "revoke select on pg_authid from flowgrain_reader"),
    "a column of the passwords": (
        "S05", "grant select (rolpassword) on pg_authid to public",
        "revoke select (rolpassword) on pg_authid from public"),
    "a function that reads files": (
        "S05", "grant execute on function pg_read_file(text) to bi_tool",
        "revoke execute on function pg_read_file(text) from bi_tool"),
    "to write the catalogue": (
        "S05", "grant insert on information_schema.sql_features to public",
        "revoke insert on information_schema.sql_features from public"),
    "temporary tables": (
        "S07", f"grant temp on database {NAME} to flowgrain_reader",
        f"revoke temp on database {NAME} from flowgrain_reader"),
    "temporary tables to everybody": (
        "S07", f"grant temp on database {NAME} to public",
        f"revoke temp on database {NAME} from public"),
    "to create schemas": (
        "S07", f"grant create on database {NAME} to bi_tool",
        f"revoke create on database {NAME} from bi_tool"),
    "an older release kept": (
        "S08", "create schema marts_old authorization flowgrain_publisher",
        "drop schema marts_old"),
    "the release of somebody else": (
        "S06", "alter schema marts owner to lake",
        "alter schema marts owner to flowgrain_publisher"),
}  # fmt: skip
BESIDE_TABLES = {
    "a view": ("create view marts.told as select 1 as x", "drop view marts.told"),
    "a materialised view": (
        "create materialized view marts.told as select 1 as x", "drop materialized view marts.told"
    ),
    "a view elsewhere on the release": (
        "create schema aside; create view aside.told as table marts.dim_team", NO_ASIDE
    ),
    "a child elsewhere": (
        "create schema aside; create table aside.more () inherits (marts.dim_team)", NO_ASIDE
    ),
    "a partitioned table": (
        "create table marts.more (x int) partition by list (x)", "drop table marts.more"
    ),
    "a foreign table": (
        "create foreign data wrapper w; create server far foreign data wrapper w; "
        "create foreign table marts.more (x int) server far", "drop foreign data wrapper w cascade"
    ),
    "an unlogged table": (
        "set role flowgrain_publisher; create unlogged table marts.more (x int)",
        "drop table marts.more",
    ),
    "a table of somebody else": ("create table marts.more (x int)", "drop table marts.more"),
    "a sequence": ("create sequence marts.told", "drop sequence marts.told"),
    "a type": ("create type marts.told as enum ('x')", "drop type marts.told"),
    "a domain": ("create domain marts.told as text", "drop domain marts.told"),
    "a function that only its owner runs": (
        f"create function marts.leak() {LEAK}; revoke execute on function marts.leak from public",
        "drop function marts.leak",
    ),
    "an operator": (
        "create operator marts.=== (leftarg = int, rightarg = int, procedure = int4eq)",
        "drop operator marts.=== (int, int)",
    ),
    "an index": ("create index told on marts.dim_team (team_key)", "drop index marts.told"),
    "a constraint": (
        "alter table marts.dim_team add constraint told check (team_key <> '')",
        "alter table marts.dim_team drop constraint told",
    ),
    "a default": (
        "alter table marts.dim_team alter team_label set default 'x'",
        "alter table marts.dim_team alter team_label drop default",
    ),
    "a rule": (
        "create rule told as on insert to marts.dim_team do instead nothing",
        "drop rule told on marts.dim_team",
    ),
    "a trigger": (
        "create trigger told before update on marts.dim_team for each row "
        "execute function suppress_redundant_updates_trigger()",
        "drop trigger told on marts.dim_team",
    ),
    "a policy": ("create policy told on marts.dim_team", "drop policy told on marts.dim_team"),
    "row security": (
        "alter table marts.dim_team enable row level security",
        "alter table marts.dim_team disable row level security",
    ),
}  # fmt: skip


def is_refused(standing: Standing, database: Database, rule: str, attack: str, undo: str) -> None:
    """Play an attack, find it refused by verify and publish and nothing changed, and undo it."""
    lab = standing.lab
    database.sql(attack)
    try:
        refusal_of(rule, verify, lab.home)
        refusal_of(rule, lab.publish)
        assert lab.published_state() == standing.file
        state = database.state()
        assert {name: state[name] for name in standing.state} == standing.state
    finally:
        database.sql(undo)
    # It was this, and nothing else.
    assert postgresql.check_server(postgresql.published_server())


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_right_beyond_reading_the_release_is_refused(
    standing: Standing, database: Database, attack: str
) -> None:
    """ATK45: at the next publish and at the nightly verify."""
    is_refused(standing, database, *ATTACKS[attack])


@pytest.mark.parametrize("thing", BESIDE_TABLES)
def test_a_release_of_more_than_tables_is_refused(
    standing: Standing, database: Database, thing: str
) -> None:
    """ATK46: a view tells the cells that it withholds, to a function in a reader's WHERE."""
    is_refused(standing, database, "S06", *BESIDE_TABLES[thing])


def test_a_reader_cannot_make_the_function_that_a_view_would_tell(
    lab: Lab, database: Database
) -> None:
    """ATK46: where somebody did put a view there, no function of a reader's sees its rows."""
    with database.connect("bi_tool") as reader:
        for place in ("marts.leak", "pg_temp.leak", "pg_catalog.leak"):
            with pytest.raises(errors.InsufficientPrivilege):
                reader.execute(f"create function {place}(n bigint) {LEAK} cost 0".encode())


@pytest.mark.parametrize(
    ("rule", "attack"),
    [
        ("S03", "update marts.dim_team set team_label = 'Ledger' where team_key = 't_01'"),
        ("S03", "delete from marts.metric_observations where status = 'withheld'"),
        ("S03", "comment on column marts.dim_team.team_label is 'told'"),
        ("S03", "alter table marts.dim_team alter team_label type varchar(90)"),
        ("S03", "alter table marts.dim_team add column told text"),
        ("S06", "drop table marts.dim_team"),
        ("S06", "set role flowgrain_publisher; create table marts.more (x int)"),
        ("S06", "drop schema marts cascade"),
    ],
)
def test_a_release_that_somebody_changed_is_told_and_mended(
    lab: Lab, database: Database, rule: str, attack: str
) -> None:
    database.sql(attack)
    refusal_of(rule, verify, lab.home)
    lab.publish()
    verify(lab.home)
    assert database.state() == file_state(lab)


def test_what_is_granted_while_a_release_is_made_is_refused(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look passed; the one within the transaction does not."""
    monkeypatch.setattr(publish, "check_server", lambda server: [])
    change(lab, 79)
    is_refused_within(lab, database, "S05", *ATTACKS["a schema"][1:])
    is_refused_within(lab, database, "S07", *ATTACKS["temporary tables"][1:])
    is_refused_within(lab, database, "S06", *BESIDE_TABLES["a view elsewhere on the release"])


def is_refused_within(lab: Lab, database: Database, rule: str, attack: str, undo: str) -> None:
    """Play an attack that only the transaction meets, and find nothing changed."""
    file, state = lab.published_state(), database.state()
    database.sql(attack)
    try:
        refusal_of(rule, lab.publish)
        assert lab.published_state() == file
        assert database.state() == state
    finally:
        database.sql(undo)


def test_what_arrives_otherwise_than_it_was_checked_is_refused(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = postgresql._copy

    def spoiled(connection: Any, file: Any, table: str, layout: Any) -> None:
        copy(connection, file, table, layout)
        if table == "wait_intensity":
            connection.execute("update marts_next.wait_intensity set sample_size = 7")

    monkeypatch.setattr(postgresql, "_copy", spoiled)
    change(lab, 80)
    file, state = lab.published_state(), database.state()
    refusal_of("S03", lab.publish)
    assert lab.published_state() == file
    assert database.state() == state


# What cannot be reached, and what is set wrongly.


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("s%40same", "sesame", "it refused the user or the password"),
        ("publisher:", "nobody:", "it refused the user or the password"),
        (f"/{NAME}", "/elsewhere", "it has no database"),
        ("127.0.0.1", "shop.invalid", "cannot be used"),
        ("postgresql://", "mysql://", "Write postgresql://"),
        ("127.0.0.1:", "127.0.0.1:x", "cannot be used"),
        (f"/{NAME}", "", "Write postgresql://"),
        ("s%40same", "s%zzsame", "Write postgresql://"),
        (f"/{NAME}", f"/{NAME}?sslmode=s@same", "cannot be used"),
    ],
)
def test_an_address_that_is_wrong_is_told_without_it(
    lab: Lab, address: str, monkeypatch: pytest.MonkeyPatch, old: str, new: str, words: str
) -> None:
    assert old in address
    # The last of them, for the role is called after the database.
    monkeypatch.setenv("FLOWGRAIN_PUBLISHED_TO", new.join(address.rsplit(old, 1)))
    file = lab.published_state()
    for act in (lambda: verify(lab.home), lab.publish):
        told = refusal_of(None, act)
        assert words in told
        assert not re.search(r"127\.0\.0\.1|shop\.invalid|elsewhere|nobody|zz", told)
    assert lab.published_state() == file


def test_a_server_that_is_down_is_told(
    lab: Lab, database: Database, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = servers.free_port()
    monkeypatch.setenv(
        "FLOWGRAIN_PUBLISHED_TO", address.replace(str(database.server.port), str(port))
    )
    file = lab.published_state()
    assert "nothing listens there" in refusal_of(None, lab.publish)
    assert lab.published_state() == file


def test_a_connection_that_breaks_changes_nothing(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(connection: Any) -> None:
        database.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'flowgrain'"
        )
        connection.execute("select 1")

    monkeypatch.setattr(postgresql, "_drop_old", broken)
    change(lab, 81)
    file, state = lab.published_state(), database.state()
    assert "the old release is untouched" in refusal_of(None, lab.publish)
    assert lab.published_state() == file
    assert database.state() == state


def test_a_reader_role_that_is_not_there_is_refused(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWGRAIN_READER_ROLE", "nobody_here")
    assert "docs/publish-to-postgresql.md" in refusal_of("S05", lab.publish)
    monkeypatch.setenv("FLOWGRAIN_READER_ROLE", 'x"; drop role flowgrain_reader')
    assert "drop" not in refusal_of(None, lab.publish)


def test_a_publisher_that_is_a_superuser_is_refused(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWGRAIN_PUBLISHED_TO", database.administrator)
    refusal_of("S05", lab.publish)


def test_a_publisher_that_may_not_is_told_so(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWGRAIN_PUBLISHED_TO", database.url("bystander"))
    database.sql(
        f"create role bystander login password '{PASSWORD}';"
        f"grant connect on database {NAME} to bystander"
    )
    try:
        # The tables are the publisher's.
        refusal_of("S06", lab.publish)
        database.sql("drop schema marts cascade")
        assert "does not let its user publish" in refusal_of(None, lab.publish)
    finally:
        database.sql("drop owned by bystander; drop role bystander")


def test_another_reader_role_may_be_named(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.sql("create role dashboards; create role board login in role dashboards")
    try:
        monkeypatch.setenv("FLOWGRAIN_READER_ROLE", "dashboards")
        lab.publish()
        with psycopg.connect(database.administrator, autocommit=True) as connection:
            connection.execute("set session authorization board")
            assert connection.execute("select count(*) from marts.dim_team").fetchone() == (2,)
        with database.connect("bi_tool") as reader, pytest.raises(errors.InsufficientPrivilege):
            reader.execute("table marts.dim_team")
    finally:
        database.sql("drop owned by dashboards; drop role board, dashboards")


def test_the_commands_end_with_the_code_of_what_happened(
    lab: Lab, address: str, database: Database
) -> None:
    def ended(url: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-c", "from orchestration.cli import app; app()", "verify"],
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "FLOWGRAIN_HOME": str(lab.home.root),
                "FLOWGRAIN_PUBLISHED_TO": url,
            },
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert not any(secret in done.stdout for secret in SECRETS)
        return done.returncode, done.stdout

    assert ended(address)[0] == 0
    assert ended(address.replace(f"/{NAME}", "/elsewhere"))[0] == 1
    rule, attack, undo = ATTACKS["a schema"]
    database.sql(attack)
    try:
        code, told = ended(address)
    finally:
        database.sql(undo)
    assert (code, f"GL-{rule} pg_namespace * 1" in told) == (3, True)


# Killed, and read at the same time.


STOPPED = """
import sys
from pathlib import Path
from orchestration.floor_guard import postgresql
from publish_lab import Lab
drop = postgresql._drop_old
def stopped(connection):
    drop(connection)
    print("dropped", flush=True)
    sys.stdin.read()
postgresql._drop_old = stopped
Lab.at(Path(sys.argv[1])).publish()
"""
KILLED_AFTER_COMMIT = """
import os, signal, sys
from pathlib import Path
from orchestration.floor_guard import publish
from publish_lab import Lab
replace = publish.replace_release
def killed(*arguments):
    replace(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
publish.replace_release = killed
Lab.at(Path(sys.argv[1])).publish()
"""


def publisher(program: str, lab: Lab, address: str) -> "subprocess.Popen[str]":
    """Start a publisher in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", program, str(lab.home.root)],
        cwd=ROOT,
        env={
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(Path(__file__).parent))),
            "FLOWGRAIN_PUBLISHED_TO": address,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_publisher_killed_within_its_transaction_leaves_the_old_release(
    lab: Lab, address: str, database: Database
) -> None:
    file, state = lab.published_state(), database.state()
    change(lab, 82)
    with publisher(STOPPED, lab, address) as running:
        assert running.stdout
        assert running.stdout.readline() == "dropped\n"
        running.send_signal(signal.SIGKILL)
    assert database.state() == state
    assert database.state("marts_next") == {}
    assert {name: lab.published_state()[name] for name in file} == file
    verify(lab.home)
    lab.publish()
    verify(lab.home)
    assert database.state() == file_state(lab) != state


def test_a_publisher_killed_between_server_and_file_is_told_and_mended(
    lab: Lab, address: str, database: Database
) -> None:
    file, state = lab.published_state(), database.state()
    change(lab, 83)
    with publisher(KILLED_AFTER_COMMIT, lab, address) as running:
        assert running.wait() == -signal.SIGKILL
    assert database.state() != state
    assert {name: lab.published_state()[name] for name in file} == file
    refusal_of("S03", verify, lab.home)
    lab.publish()
    verify(lab.home)
    assert database.state() == file_state(lab)


def test_readers_who_stay_keep_their_release_and_are_told_of(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "ATTEMPTS", 2)
    monkeypatch.setattr(postgresql, "PATIENCE", sql.Literal("50ms"))
    change(lab, 84)
    file, state = lab.published_state(), database.state()
    with psycopg.connect(database.url("bi_tool")) as reader:
        reader.execute("select 1 from marts.dim_team")
        assert "Readers keep the old release" in refusal_of(None, lab.publish)
        assert lab.published_state() == file
        assert database.state() == state
    lab.publish()


class Reader(threading.Thread):
    """Reads two tables over and over, in one transaction, and keeps what it saw."""

    def __init__(self, url: str, isolation: str) -> None:
        """Read until told to stop."""
        super().__init__(daemon=True)
        self.url, self.isolation = url, isolation
        self.stopped = threading.Event()
        self.seen: list[tuple[int, ...]] = []
        self.errors = 0

    def run(self) -> None:
        """Read until told to stop; what a swap broke off is counted."""
        with psycopg.connect(self.url) as connection:
            while not self.stopped.wait(0.005):
                try:
                    with connection.transaction():
                        self.seen.append(self.read(connection))
                except psycopg.Error:
                    self.errors += 1

    def read(self, connection: psycopg.Connection[Any]) -> tuple[int, ...]:
        """Sample sizes in two tables: all of one number in a whole release."""
        connection.execute(f"set transaction isolation level {self.isolation}".encode())
        connection.execute("select 1")
        rows = []
        for query in (
            "select distinct numerator::bigint from marts.metric_observations where numerator > 0",
            "select distinct sample_size from marts.wait_intensity",
        ):
            rows += connection.execute(query.encode()).fetchall()
        return tuple(size for (size,) in rows)


def test_readers_see_one_release_or_an_error_and_never_a_mix(
    honest: Path, tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases = []
    for size in (901, 902):
        root = tmp_path / str(size)
        shutil.copytree(honest, root)
        lab = Lab.at(root)
        change(lab, size)
        lab.publish()
        releases.append(verify(lab.home))
    server = postgresql.published_server()
    assert server
    readers = [
        Reader(database.url("bi_tool"), isolation)
        for isolation in ("read committed", "repeatable read", "repeatable read")
    ]
    for reader in readers:
        reader.start()
    for number in range(SWAPS):
        postgresql.replace_release(server, releases[number % 2])
    for reader in readers:
        reader.stopped.set()
        reader.join()
        assert set(reader.seen) <= {(901, 901), (902, 902)}
        assert reader.seen
    assert {pair for reader in readers for pair in reader.seen} == {(901, 901), (902, 902)}
