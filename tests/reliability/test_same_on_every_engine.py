"""R31: what dbt builds of one landing on PostgreSQL is what it builds on DuckDB, cell by cell."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg
import pytest
import servers
import yaml
from conftest import Lab
from psycopg import sql

from orchestration.build import run_dbt
from orchestration.home import Home
from orchestration.landing.demo import write_demo

# A year of the demo, so that attrition is told, which is of whole calendar years.
AS_OF = "2026-01-01"
# Of the demo's changes: enough for figures of most metrics.
SCALE = 0.05
TYPES = {"DOUBLE": "double precision"}
# Of steps within a query there are no statistics, and slow joins look cheap.
SETTINGS = {
    "enable_mergejoin": "off",
    "enable_nestloop": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "work_mem": "128MB",
}
# Of each table that dbt makes there are, at once.
STATISTICS = """
create function gather() returns event_trigger language plpgsql as $$
declare made record;
begin
    for made in select object_identity from pg_event_trigger_ddl_commands() loop
        execute 'analyze ' || made.object_identity;
    end loop;
end $$;
create event trigger gather on ddl_command_end
    when tag in ('CREATE TABLE AS') execute function gather();
"""


@dataclass(frozen=True)
class Engines:
    """One landing, built on both."""

    duckdb: duckdb.DuckDBPyConnection
    postgresql: psycopg.Connection[tuple[object, ...]]
    folder: Path

    def relations(self) -> set[tuple[str, str]]:
        """Schema and name of everything that dbt built on DuckDB."""
        return set(
            self.duckdb.execute(
                "select table_schema, table_name from information_schema.tables "
                "where table_catalog = 'vault' and table_schema like 'flowgrain_%'"
            ).fetchall()
        )

    def relations_of_postgresql(self) -> set[tuple[object, ...]]:
        """The same of PostgreSQL."""
        return set(
            self.postgresql.execute(
                "select table_schema, table_name from information_schema.tables "
                "where table_schema like 'flowgrain_%'"
            ).fetchall()
        )

    def differing_rows(self, schema: str, name: str) -> int:
        """How many rows of DuckDB's have no equal on PostgreSQL; all, if there are not as many."""
        ours = f'vault."{schema}"."{name}"'
        columns = self.duckdb.execute(f"describe {ours}").fetchall()
        theirs = sql.SQL("copy (select {} from {}) to stdout (format csv, null '\\N')").format(
            sql.SQL(", ").join(sql.Identifier(column[0]) for column in columns),
            sql.Identifier(schema, name),
        )
        path = self.folder / "told.csv"
        with self.postgresql.cursor() as cursor:
            with cursor.copy(theirs) as told, path.open("wb") as file:
                for piece in told:
                    file.write(piece)
            told_rows = cursor.rowcount
        kinds = ", ".join(f"'{column[0]}': '{_read_as(column[1])}'" for column in columns)
        told_here = (
            f"read_csv('{path}', columns = {{{kinds}}}, auto_detect = false, header = false, "
            "delim = ',', quote = '\"', escape = '\"', nullstr = '\\N')"
        )
        # Rows that stand there twice count as such.
        rows, missing = self.duckdb.execute(
            f"""
            select
                (select count(*) from {ours}),
                (
                    select count(*)
                    from (
                        select *, count(*) as times from {ours} group by all
                        except
                        select *, count(*) as times from {told_here} group by all
                    )
                )
            """
        ).fetchone() or (0, 0)
        return int(missing if rows == told_rows else max(rows, told_rows))


def _read_as(kind: str) -> str:
    """A type that loses nothing which PostgreSQL may have told."""
    is_whole = kind in ("INTEGER", "BIGINT", "HUGEINT")
    return "DECIMAL(38, 12)" if is_whole or kind.startswith("DECIMAL") else kind


def _copy_landed(vault: Path, connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Put what the door wrote on the server, column by column of the same type."""
    with duckdb.connect(str(vault), read_only=True) as source:
        tables = source.execute(
            """
            select schema_name, table_name, list(column_name), list(data_type)
            from (
                from duckdb_columns()
                where database_name = 'vault'
                    and (schema_name = 'door' or starts_with(schema_name, 'raw_'))
                order by schema_name, table_name, column_index
            )
            group by schema_name, table_name
            """
        ).fetchall()
        for schema, name, columns, kinds in tables:
            table = sql.Identifier(schema, name)
            typed = [
                sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(TYPES.get(kind, kind)))
                for column, kind in zip(columns, kinds, strict=True)
            ]
            connection.execute(
                sql.SQL("create schema if not exists {}").format(sql.Identifier(schema))
            )
            connection.execute(
                sql.SQL("create table {} ({})").format(table, sql.SQL(", ").join(typed))
            )
            rows = source.execute(f'from "{schema}"."{name}"')
            with connection.cursor().copy(sql.SQL("copy {} from stdin").format(table)) as into:
                while row := rows.fetchone():
                    into.write_row(row)
    connection.execute("analyze")


def _build(home: Home, *arguments: str) -> None:
    done = run_dbt(
        home, "build", "--exclude-resource-type", "test", "unit_test",
        "--vars", f"{{as_of: '{AS_OF}'}}", *arguments,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """Land a small demo, copy what landed to a server, and have dbt build on both."""
    folder = tmp_path_factory.mktemp("engines").resolve()
    with servers.running("postgresql", tmp_path_factory.mktemp("server")) as server:
        account = {
            "host": "127.0.0.1",
            "port": server.port,
            "user": "lake",
            "password": servers.PASSWORD,
        }
        with psycopg.connect(**account, dbname="postgres", autocommit=True) as connection:
            # Texts in the order of their bytes, as DuckDB has them.
            connection.execute("create database vault template template0 encoding utf8 locale 'C'")
            for name, value in SETTINGS.items():
                connection.execute(f"alter database vault set {name} = '{value}'")
        write_demo(folder / "files", scale=SCALE)
        lab = Lab(Home(folder / "home"))
        lab.run("land", "files", str(folder / "files"))
        profile = {"type": "postgres", **account, "dbname": "vault", "schema": "flowgrain"}
        (folder / "profiles.yml").write_text(
            yaml.safe_dump(
                {"flowgrain": {"target": "dev", "outputs": {"dev": {**profile, "threads": 2}}}}
            )
        )
        with psycopg.connect(**account, dbname="vault") as connection:
            _copy_landed(lab.home.vault, connection)
            connection.execute(STATISTICS)
            connection.commit()
            _build(lab.home)
            _build(Home(folder / "other").prepare(), "--profiles-dir", str(folder))
            with duckdb.connect() as both:
                both.execute(f"attach '{lab.home.vault}' as vault (read_only)")
                yield Engines(both, connection, folder)


def test_every_table_is_the_same_on_postgresql_cell_by_cell(engines: Engines) -> None:
    relations = engines.relations()
    assert relations == engines.relations_of_postgresql()
    counts = {relation: engines.differing_rows(*relation) for relation in relations}
    assert {relation: count for relation, count in counts.items() if count} == {}


def test_a_table_with_one_other_cell_is_told(engines: Engines) -> None:
    """The comparison bites: a figure a millionth off, and a text that is empty for one missing."""
    changes = (
        ("observed_means", "value = value + 0.000001"),
        ("observed_means", "grain_key = ''"),
        ("observed_means", "value = null"),
    )
    for name, change in changes:
        with engines.postgresql.transaction(force_rollback=True):
            engines.postgresql.execute(
                f"update flowgrain_floor.{name} set {change} where ctid = ("
                f"select min(ctid) from flowgrain_floor.{name} where value is not null)"
            )
            assert engines.differing_rows("flowgrain_floor", name) == 1


def test_what_is_compared_tells_of_most_metrics(engines: Engines) -> None:
    """Tables of withheld cells would be the same by themselves."""
    told = engines.duckdb.execute(
        "select count(*), count(distinct metric_key) "
        "from vault.flowgrain_candidate.metric_observations where status = 'ok'"
    ).fetchone()
    assert told is not None
    assert told[0] > 10_000
    assert told[1] > 50
