"""The summary says what the release says: figures with ranges, or words where there are none."""

import io
import os
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.summary import print_summary

STAGES = ("dev", "review", "integration", "deploy")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Publish three value streams by hand: one with figures, one withheld, one not measurable."""
    home = Home(tmp_path).prepare()
    connection = duckdb.connect(str(home.published))
    connection.execute(
        """
        create schema marts;
        create table marts.marts.dim_value_stream as select * from (values
            ('vs_1', 'Payments'), ('vs_2', 'Ledger [bold]'), ('vs_3', 'Platform')
        ) as streams(value_stream_key, value_stream_label);
        create table marts.marts.wait_intensity (
            grain varchar, grain_key varchar, bucket varchar, bucket_start date, stage varchar,
            intensity bigint, wait_share numeric(18, 4), wait_share_lower numeric(18, 4),
            wait_share_upper numeric(18, 4), is_binding boolean, sample_size bigint,
            status varchar, as_of date
        );
        create table marts.marts.flow_efficiency (
            grain varchar, grain_key varchar, bucket varchar, bucket_start date,
            flow_efficiency numeric(18, 4), flow_efficiency_lower numeric(18, 4),
            flow_efficiency_upper numeric(18, 4), sample_size bigint, status varchar, as_of date
        );
        insert into marts.marts.flow_efficiency values
            ('value_stream', 'vs_1', 'quarter', '2025-09-29', 0.231, 0.18, 0.29, 1214, 'ok',
                '2026-04-10'),
            ('value_stream', 'vs_2', 'quarter', '2025-09-29', null, null, null, null, 'withheld',
                '2026-04-10'),
            ('value_stream', 'vs_3', 'quarter', '2025-09-29', null, null, null, null,
                'not_measurable', '2026-04-10'),
            ('team', 't_01', 'quarter', '2025-09-29', 0.99, 0.98, 1, 77, 'ok', '2026-04-10');
        """
    )
    shares = {"dev": 0.12, "review": 0.41, "integration": 0.05, "deploy": 0.19}
    classes = {"dev": 1, "review": 3, "integration": 1, "deploy": 2}
    for stage in STAGES:
        share = shares[stage]
        connection.execute(
            "insert into marts.marts.wait_intensity values ('value_stream', 'vs_1', 'quarter', "
            "'2025-09-29', ?, ?, ?, ?, ?, ?, 200, 'ok', '2026-04-10')",
            [stage, classes[stage], share, share - 0.04, share + 0.05, stage == "review"],
        )
        for key, quarter, status in (
            ("vs_2", "2025-09-29", "withheld"),
            ("vs_3", "2025-09-29", "not_measurable"),
            # A newer quarter without any figure does not hide the older one.
            ("vs_1", "2025-12-29", "withheld"),
        ):
            connection.execute(
                "insert into marts.marts.wait_intensity values ('value_stream', ?, 'quarter', ?, "
                "?, null, null, null, null, null, null, ?, '2026-04-10')",
                [key, quarter, stage, status],
            )
    connection.close()
    home.published.chmod(0o444)
    return home


def printed(home: Home, *, width: int = 80, colour: bool = False) -> str:
    """Print to a terminal of this width."""
    file = io.StringIO()
    print_summary(home, Console(file=file, width=width, force_terminal=colour))
    return file.getvalue()


def test_figures_come_with_class_share_and_range(home: Home) -> None:
    text = printed(home)
    assert "29 September 2025" in text
    for words in ("▲ 3 binding", "41 %", "(37 to 46 %)", "2 elevated", "19 %", "1 low", "12 %"):
        assert words in text
    assert text.count("▲ 3") == 1
    assert "23 % (18 to 29 %)" in text
    assert "1,214" in text
    assert "99 %" not in text


def test_what_is_not_told_is_said_in_words(home: Home) -> None:
    lines = printed(home).splitlines()
    ledger = [line for line in lines if line.startswith("Ledger [bold]")]
    platform = [line for line in lines if line.startswith("Platform")]
    assert ledger[0].count("withheld") == 4
    assert platform[0].count("not measurable") == 4
    assert "withheld" in ledger[1]
    assert "not measurable" in platform[1]
    assert "None" not in "".join(lines)
    assert "nan" not in "".join(lines)


def test_a_stream_without_rows_has_no_data(home: Home) -> None:
    home.published.chmod(0o644)
    connection = duckdb.connect(str(home.published))
    connection.execute("use marts.marts")
    connection.execute("insert into dim_value_stream values ('vs_4', 'Newcomer')")
    connection.close()
    newcomer = [line for line in printed(home).splitlines() if line.startswith("Newcomer")]
    assert newcomer[0].count("no data") == 4


def test_it_says_where_to_look_next(home: Home) -> None:
    last = printed(home).splitlines()[-3:]
    assert str(home.published) in last[0]
    assert "read_only=True" in last[0]
    assert "flowgrain doctor" in last[1]
    assert "make dev" in last[2]


def test_it_fits_eighty_columns(home: Home) -> None:
    for line in printed(home).splitlines():
        assert len(line) <= 80 or str(home.published) in line


def test_colour_is_left_out_on_request(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;31m" in printed(home, colour=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in printed(home, colour=True)
    assert "33m" not in printed(home, colour=True)


def test_it_reads_the_published_file_alone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.vault.write_bytes(b"no database")
    monkeypatch.chdir(home.published.parent)
    before = sorted(os.listdir())
    printed(home)
    assert sorted(os.listdir()) == before


def test_no_closed_quarter_is_said(home: Home) -> None:
    home.published.chmod(0o644)
    connection = duckdb.connect(str(home.published))
    connection.execute("delete from marts.marts.wait_intensity")
    connection.close()
    assert "nothing to show" in printed(home)


def test_without_a_release_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FlowgrainError, match="flowgrain publish"):
        printed(Home(tmp_path).prepare())


def test_a_file_of_another_shape_is_refused(home: Home) -> None:
    home.published.chmod(0o644)
    connection = duckdb.connect(str(home.published))
    connection.execute("drop table marts.marts.flow_efficiency")
    connection.close()
    with pytest.raises(FlowgrainError):
        printed(home)
