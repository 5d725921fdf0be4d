"""Price files and quotes: what is read, and every way in which a file is refused as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from lotwise import Quote
from lotwise.errors import InputError
from lotwise.sizing.quotes import COLUMNS, checked_quote, read_quotes

HEAD = ",".join(COLUMNS)


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "prices.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(tmp_path: Path, text: str | bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        read_quotes(written(tmp_path, text), "2026-11-22")
    assert caught.value.hint
    assert str(tmp_path) not in caught.value.message
    return caught.value


def test_every_column_is_read(tmp_path: Path) -> None:
    line = "binance:btcusdt,60000.5,2026-11-21,0.1,9000000,5000000,0.01%,650"
    found = read_quotes(written(tmp_path, f"{HEAD}\n{line}\nETH,3000,,,,,,\n"), "2026-11-22")
    assert found == {
        "BINANCE:BTCUSDT": Quote(
            price="60000.5",
            at="2026-11-21",
            source="prices.csv",
            spread="0.1",
            volume="9000000",
            open_interest="5000000",
            funding_rate="0.01%",
            atr="650",
        ),
        "ETH": Quote(price="3000", at="2026-11-22", source="prices.csv, by the file's own day"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "contract,price\nBTC,1\n",
        "price,contract\n1,BTC\n",
        "\ufeffcontract,price\r\nBTC,1\r\n",
        'contract,price\n"BTC"," 1 "\n',
        "contract,price\n\nBTC,1\n\n",
    ],
)
def test_two_columns_are_enough_in_any_order_and_form(tmp_path: Path, text: str) -> None:
    assert read_quotes(written(tmp_path, text), "2026-11-22")["BTC"].price == "1"


def test_a_file_without_lines_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "contract,price\n")
    assert error.code == "SCAN-002"
    assert "holds no prices" in error.message


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        (b"\xff\xfe\x00", "SCAN-001", "cannot be read"),
        ("contract,price\nB\x1b[2JTC,1\n", "SCAN-003", "no name"),
        ("", "SCAN-002", "contract and price"),
        ("contract,last\nBTC,1\n", "SCAN-002", "last"),
        ("contract,price,colour\nBTC,1,red\n", "SCAN-002", "colour"),
        ("contract,price,price\nBTC,1,2\n", "SCAN-002", "each once"),
        ("price\n1\n", "SCAN-002", "contract and price"),
        ("contract,price\nBTC,1\n,2\n", "SCAN-003", "line 3"),
        ("contract,price\nBTC,1\nbtc,2\n", "SCAN-003", "given before"),
        ("contract,price\nBTC,1\nETH\n", "SCAN-003", "no price"),
        ("contract,price\nBTC,1,2\n", "SCAN-003", "more values"),
        ("contract,price\nBTC,0\n", "SCAN-003", "price is 0"),
        ("contract,price\nBTC,-1\n", "SCAN-003", "price is -1"),
        ("contract,price\nBTC,nan\n", "SCAN-003", "'nan'"),
        ('contract,price\nBTC,"60,000"\n', "SCAN-003", "60,000"),
        ("contract,price\nBTC,6e4\n", "SCAN-003", "6e4"),
        ("contract,price\nBTC,1000000000.1\n", "SCAN-003", "no market"),
        ("contract,price,atr\nBTC,1,9999999999\n", "SCAN-003", "no market"),
        ("contract,price,spread\nBTC,1,-0.1\n", "SCAN-003", "spread is -0.1"),
        ("contract,price,volume\nBTC,1,many\n", "SCAN-003", "'many'"),
        ("contract,price,open_interest\nBTC,1,-5\n", "SCAN-003", "open_interest"),
        ("contract,price,funding_rate\nBTC,1,much\n", "SCAN-003", "'much'"),
        ("contract,price,at\nBTC,1,\x1b[31m\n", "SCAN-003", "at is"),
        (f"contract,price,at\nBTC,1,{'9' * 50}\n", "SCAN-003", "at is"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_whole(
    tmp_path: Path, text: str | bytes, code: str, says: str
) -> None:
    error = refused(tmp_path, text)
    assert error.code == code
    assert says in error.message
    assert "prices.csv" in error.message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_quotes(tmp_path / "none.csv", "2026-11-22")
    assert caught.value.code == "SCAN-001"
    with pytest.raises(InputError):
        read_quotes(tmp_path, "2026-11-22")


def test_a_line_is_named_as_an_editor_counts_it(tmp_path: Path) -> None:
    assert "line 5" in refused(tmp_path, "contract,price\n\n\nBTC,1\nETH,x\n").message


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": "0"}, "SCAN-004"),
        ({"price": "-1"}, "SCAN-004"),
        ({"price": "1000000001"}, "SCAN-004"),
        ({"atr": "-1"}, "SCAN-004"),
        ({"spread": "2000000000"}, "SCAN-004"),
        ({"price": "sixty"}, "UNIT-102"),
        ({"price": 60000.5}, "UNIT-101"),
        ({"volume": "1000000000000000"}, "UNIT-103"),
        ({"price": "0.123456789"}, "UNIT-104"),
        ({"funding_rate": "x"}, "UNIT-102"),
    ],
)
def test_a_quote_is_checked(changes: dict[str, str], code: str) -> None:
    with pytest.raises(InputError) as caught:
        checked_quote(Quote(**({"price": "1", "at": "now", "source": "own"} | changes)))
    assert caught.value.code == code


def test_unknown_figures_are_no_mistake() -> None:
    quote = Quote(price="0.00000001", at="now", source="own", spread="0", atr="0", volume="0")
    assert checked_quote(quote) is quote
