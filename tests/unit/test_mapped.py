"""Files of any columns, told which is which; and the few that need no telling."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pl = pytest.importorskip("polars")

from lotwise.errors import InputError  # noqa: E402
from lotwise.market import cells, mapped, sources  # noqa: E402
from lotwise.market.columns import Place  # noqa: E402
from lotwise.market.export import export  # noqa: E402
from lotwise.market.kinds import BARS, FUNDING, TRADES, Kind, Scale, Table  # noqa: E402
from lotwise.market.sources import Wanted  # noqa: E402
from lotwise.market.store import nanoseconds  # noqa: E402

NS = 10**9
BAR_MAP = {"time_ns": "When", "open": "O", "high": "H", "low": "L", "close": "C"}
Make = Callable[[str, Any], Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A file of that text, or of that frame."""

    def made(name: str, content: Any) -> Path:
        path = tmp_path / name
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        elif name.endswith(".parquet"):
            content.write_parquet(path)
        else:
            content.write_ipc(path, compression="lz4")
        return path

    return made


def only(path: Path, **wanted: Any) -> tuple[str, Table]:
    """The one part of a file."""
    (part,) = sources.parts(path, Wanted(**wanted))
    return part


def frame_of(**columns: Any) -> Any:
    """Bars in columns of somebody else's names."""
    return pl.DataFrame(
        {"When": [datetime(2025, 5, 4, tzinfo=UTC)], "O": [1.5], "H": [2.0], "L": [0.1], "C": [1.7]} | columns
    )


@pytest.mark.parametrize(
    "text",
    [
        "When,O,H,L,C\n2025-05-04 00:00:00,1.5,2,0.10,1.70\n",
        "When,O,H,L,C,more\n2025-05-04T00:00:00Z,1.5,2,0.10,1.70,x\n",
        'C,L,H,O,When\n1.70,0.10,2,1.5,"2025-05-04"\n',
        "When,O,H,L,C\n1746316800,1.5,2,0.10,1.70\n",
        "When,O,H,L,C\n1746316800.000,1.5,2,0.10,1.70\n",
        "When,O,H,L,C\n1746316800000000,1.5,2e0,1e-1,1.70\n",
    ],
)
def test_bars_of_a_csv_however_written(make: Make, text: str) -> None:
    _, table = only(make("a.csv", text), mapping=BAR_MAP, kind="bars")
    assert table.frame.rows() == [(1_746_316_800 * NS, 15, 20, 1, 17, 0, 0, 0, 0)]
    assert (table.kind, table.scale, table.frame.columns) == (BARS, Scale(price=1), list(BARS.columns))


@pytest.mark.parametrize("name", ["a.parquet", "a.feather"])
@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"When": [1_746_316_800]},
        {"When": [date(2025, 5, 4)]},
        {"When": ["2025-05-04"], "O": ["1.5"]},
        {"O": [Decimal("1.50")], "H": [2]},
        {"When": pl.Series([1_746_316_800_000], dtype=pl.UInt64), "H": pl.Series([2], dtype=pl.Int8)},
    ],
)
def test_columns_of_any_type(make: Make, name: str, columns: dict[str, Any]) -> None:
    _, table = only(make(name, frame_of(**columns)), mapping=BAR_MAP, kind="bars")
    assert table.frame.rows() == [(1_746_316_800 * NS, 15, 20, 1, 17, 0, 0, 0, 0)]


@given(st.integers(1, 10**15 - 1), st.integers(0, 12))
def test_a_float_is_the_decimal_number_that_was_meant(digits: int, decimals: int) -> None:
    meant = Decimal(digits).scaleb(-decimals)
    found = cells.numbers(pl.Series("x", [float(meant)]), Place("f"))[0]
    assert found == meant


def test_floats_that_are_no_numbers_or_too_fine_are_refused(make: Make) -> None:
    path = make("a.parquet", frame_of(O=[1e-19]))
    with pytest.raises(InputError, match=r"DATA-124.*a.parquet, row 1: open is the float 1e-19"):
        only(path, mapping=BAR_MAP, kind="bars")
    for odd in (float("nan"), float("inf")):
        with pytest.raises(InputError, match=r"DATA-110.*row 1: open"):
            only(make("a.parquet", frame_of(O=[odd])), mapping=BAR_MAP, kind="bars")
    with pytest.raises(InputError, match=r"DATA-103.*row 1: O is empty"):
        only(make("a.parquet", frame_of(O=[None])), mapping=BAR_MAP, kind="bars")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"mapping": BAR_MAP}, "make bars or marks"),
        ({"mapping": BAR_MAP, "kind": "candles"}, "candles is no kind of data"),
        ({"mapping": BAR_MAP | {"colour": "C"}, "kind": "bars"}, "bars have no column colour"),
        (
            {"mapping": {"time_ns": "When"}, "kind": "bars"},
            "no column is named for open, high, low, close of bars",
        ),
        (
            {"mapping": BAR_MAP | {"volume": "V"}, "kind": "bars"},
            "has no column V; its columns are When, O, H, L, C",
        ),
        ({"mapping": {"price": "O"}}, "columns price make no kind of data"),
        ({"mapping": BAR_MAP | {"contract": "S"}, "kind": "marks"}, "has no column S"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_mapping_that_does_not_fit_is_refused(make: Make, name: str, wanted: Any, words: str) -> None:
    text = "When,O,H,L,C\n2025-05-04,1,1,1,1\n"
    path = make(name, text if name == "a.csv" else frame_of())
    with pytest.raises(InputError) as caught:
        only(path, **wanted)
    assert (caught.value.code, bool(caught.value.hint)) == ("DATA-123", True)
    assert words in caught.value.message


def test_a_csv_without_names_cannot_be_mapped(make: Make) -> None:
    with pytest.raises(InputError, match=r"DATA-123.*row 1: names no columns"):
        only(make("a.csv", "1746316800,1,1,1,1\n"), mapping=BAR_MAP, kind="bars")
    with pytest.raises(InputError, match=r"DATA-103.*a header and no row"):
        only(make("a.csv", "When,O,H,L,C\n"), mapping=BAR_MAP, kind="bars")


def test_the_kind_is_told_by_the_columns_where_one_fits(make: Make) -> None:
    path = make("a.csv", "t,r,h\n2025-05-04 08:00:00.001,-0.0001,8\n")
    _, table = only(path, mapping={"time_ns": "t", "rate": "r", "interval_ns": "h"})
    assert table.kind == FUNDING
    assert table.frame.rows() == [(1_746_345_600_001_000_000, -1, 8 * 3600 * NS)]


def test_trades_with_the_takers_side_and_uuids(make: Make) -> None:
    text = (
        "t,id,p,q,side\n1746316800.0647,00000000-0000-5000-8000-000000000000,1,1,Sell\n"
        "1746316800.5,0de3f0d8-7f25-5f61-bdb5-75ad36ca187c,2,1,Buy\n"
    )
    names = {"time_ns": "t", "id": "id", "price": "p", "quantity": "q", "buyer_is_maker": "side"}
    _, table = only(make("a.csv", text), mapping=names)
    wanted = int("0de3f0d8" + "7f25" + "f61", 16)
    assert table.frame["id"].to_list() == [0, wanted]
    assert table.frame["buyer_is_maker"].to_list() == [True, False]
    assert table.frame["time_ns"].to_list() == [1_746_316_800_064_700_000, 1_746_316_800_500_000_000]
    with pytest.raises(InputError, match=r"DATA-129.*row 3: id is '77'"):
        only(make("a.csv", text.replace("0de3f0d8-7f25-5f61-bdb5-75ad36ca187c", "77")), mapping=names)
    with pytest.raises(InputError, match=r"DATA-115.*row 2: buyer_is_maker is 'Sold'"):
        only(make("a.csv", text.replace("Sell", "Sold")), mapping=names)


@pytest.mark.parametrize(
    "when", ["2025-13-04", "2025-05-04 25:00:00", "1960-01-01", "2101-01-01", "0.5e400", "99999999999.5"]
)
def test_a_time_that_is_none_is_named(make: Make, when: str) -> None:
    text = f"When,O,H,L,C\n2025-05-04,1,1,1,1\n{when},1,1,1,1\n"
    with pytest.raises(InputError, match=r"DATA-11[04].*a.csv, row 3: time_ns is"):
        only(make("a.csv", text), mapping=BAR_MAP, kind="bars")


def test_what_was_exported_comes_back_the_same(make: Make, tmp_path: Path) -> None:
    rows = {
        "time_ns": [1_746_316_800 * NS + i for i in range(9)],
        "id": list(range(9)),
        "price": [10_000 + i for i in range(9)],
        "quantity": [7] * 9,
        "buyer_is_maker": [i % 2 == 0 for i in range(9)],
    }
    table = Table(TRADES, Scale(price=2, quantity=1), pl.DataFrame(rows))
    for name in ("out.csv", "out.parquet"):
        export(table.frame.lazy(), TRADES, table.scale, out=tmp_path / name)
        contract, found = only(tmp_path / name)
        assert (contract, found.kind, found.scale) == ("", TRADES, table.scale)
        assert found.frame.equals(table.frame)


def test_several_contracts_in_one_file(make: Make) -> None:
    text = "t,r,who\n2025-05-04,0.1,B\n2025-05-04,0.25,A\n2025-05-05,0.3,B\n"
    path = make("a.csv", text)
    names = {"time_ns": "t", "rate": "r", "contract": "who"}
    found = dict(sources.parts(path, Wanted(mapping=names)))
    assert {name: table.frame["rate"].to_list() for name, table in found.items()} == {
        "A": [25],
        "B": [10, 30],
    }
    with pytest.raises(InputError, match=r"DATA-121.*holds 2 tables, not one: funding A, funding B"):
        sources.read(path, mapping=names)


def ints(tmp_path: Path, scale: Any, symbols: list[str]) -> Path:
    """Bars of whole numbers with their decimals beside them."""
    count = len(symbols)
    columns: dict[str, list[Any]] = {"symbol": symbols, "t_min": [29_105_280 + i for i in range(count)]}
    columns |= {name: [10 + i for i in range(count)] for name in ("open", "high", "low", "close", "volume")}
    pl.DataFrame(columns).write_parquet(tmp_path / "ints.parquet")
    if scale is not None:
        (tmp_path / "scale.json").write_text(
            scale if isinstance(scale, str) else json.dumps(scale), encoding="utf-8"
        )
    return tmp_path / "ints.parquet"


def test_whole_numbers_with_their_decimals_beside_them(tmp_path: Path) -> None:
    scale = {
        "scale": {
            "A": {"price_decimals": 2, "qty_decimals": 0},
            "B": {"price_decimals": 5, "qty_decimals": 3},
        }
    }
    found = dict(sources.parts(ints(tmp_path, scale, ["B", "A", "B"])))
    assert list(found) == ["A", "B"]
    assert (found["A"].scale, found["B"].scale) == (Scale(price=2), Scale(price=5, quantity=3))
    assert found["B"].frame.rows() == [
        (1_746_316_800 * NS, 10, 10, 10, 10, 10, 0, 0, 0),
        (1_746_316_920 * NS, 12, 12, 12, 12, 12, 0, 0, 0),
    ]


@pytest.mark.parametrize(
    "scale", [None, "{", {"scale": {}}, {"scale": {"A": {"price_decimals": 1}}}, {"scale": [1]}]
)
def test_whole_numbers_without_their_decimals_are_refused(tmp_path: Path, scale: Any) -> None:
    with pytest.raises(InputError, match=r"DATA-139.*ints\.parquet.*scale\.json"):
        list(sources.parts(ints(tmp_path, scale, ["A"])))


def test_a_parquet_that_nobody_knows_or_that_is_cut_off_is_refused(make: Make) -> None:
    path = make("a.parquet", frame_of())
    with pytest.raises(InputError, match=r"DATA-122.*its columns are When, O, H, L, C"):
        list(sources.parts(path))
    whole = path.read_bytes()
    for length in (len(whole) // 2, len(whole) - 1, 6):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"DATA-120.*a\.parquet, row 1: not a whole Parquet file"):
            list(sources.parts(path))
    with pytest.raises(InputError, match=r"DATA-103.*has no row"):
        list(sources.parts(make("b.parquet", frame_of().clear()), Wanted(mapping=BAR_MAP, kind="bars")))


def test_rows_of_the_future_are_refused(make: Make, tmp_path: Path) -> None:
    early = 1_746_316_800 * NS - 1
    path = make("a.parquet", frame_of())
    with pytest.raises(
        InputError, match=r"DATA-136.*a\.parquet, row 1: 2025-05-04 00:00:00 is in the future"
    ):
        only(path, mapping=BAR_MAP, kind="bars", latest_ns=early)
    scale = {"scale": {"A": {"price_decimals": 2, "qty_decimals": 0}}}
    with pytest.raises(InputError, match="DATA-136"):
        list(sources.parts(ints(tmp_path, scale, ["A"]), Wanted(latest_ns=early)))


@pytest.mark.parametrize("kind", [BARS, FUNDING])
def test_every_kind_names_what_it_cannot_do_without(kind: Kind) -> None:
    assert "time_ns" in mapped.needed(kind)
    assert set(mapped.needed(kind)) < set(kind.columns)


def test_the_real_funding_files_are_read_as_pythons_csv_reads_them(shared_data: Path) -> None:
    files = sorted((shared_data / "funding").glob("*.csv"))
    assert len(files) == 14
    for path in files:
        contract, table = only(path)
        rows = [
            line.split(",") for line in io.StringIO(path.read_text(encoding="utf-8")).read().splitlines()[1:]
        ]
        assert contract == path.name[:8]
        assert table.frame["rate"].to_list() == [
            int(Decimal(row[2]).scaleb(table.scale.rate)) for row in rows
        ]
        assert table.frame["time_ns"].to_list() == [
            nanoseconds(datetime.fromisoformat(row[1]).replace(tzinfo=UTC)) for row in rows
        ]


def test_the_real_whole_numbers_are_as_they_lie_in_the_file(shared_data: Path) -> None:
    path = shared_data / "binance_um_2025-05" / "bars_1m_16sym_ints.parquet"
    found = dict(sources.parts(path))
    raw = pl.read_parquet(path)
    assert len(found) == 16
    assert sum(len(table.frame) for table in found.values()) == len(raw) == 691_124
    table = found["LAYERUSDT"]
    mine = raw.filter(pl.col("symbol") == "LAYERUSDT")
    assert table.scale == Scale(price=4, quantity=1)
    for name in ("open", "high", "low", "close", "volume"):
        assert table.frame[name].to_list() == mine[name].to_list()
    assert (table.frame["time_ns"] // (60 * NS)).to_list() == mine["t_min"].to_list()
