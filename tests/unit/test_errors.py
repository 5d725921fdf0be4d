"""The tree of errors: one root, one shape, exit codes that never change."""

from __future__ import annotations

import json
import pickle

import pytest

import lotwise
from lotwise import errors
from lotwise.cli.main import EXIT_CODES
from lotwise.errors import FactsError, InputError, LotwiseError, RefusedError, UnitError, VenueError

TREE: dict[type[LotwiseError], tuple[type[Exception], int]] = {
    LotwiseError: (Exception, 1),
    InputError: (LotwiseError, 2),
    UnitError: (InputError, 2),
    FactsError: (InputError, 2),
    RefusedError: (LotwiseError, 3),
    VenueError: (LotwiseError, 4),
}


def test_the_tree_is_complete() -> None:
    defined = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and kind.__module__ == errors.__name__
    }
    assert defined == TREE.keys()


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_parent_exit_code_and_place_in_the_docs(kind: type[LotwiseError]) -> None:
    parent, code = TREE[kind]
    assert kind.__bases__ == (parent,)
    assert kind.exit_code == code
    assert issubclass(kind, LotwiseError)
    row = next(line for line in (errors.__doc__ or "").splitlines() if kind.__name__ in line)
    assert row.endswith(f"exit {code}")
    assert kind.__doc__


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_one_shape(kind: type[LotwiseError]) -> None:
    error = kind("SIZE-110", 'one lot loses "13.00"', "raise equity")
    assert (error.code, error.message, error.hint) == ("SIZE-110", 'one lot loses "13.00"', "raise equity")
    shape = {"error": {"code": "SIZE-110", "message": 'one lot loses "13.00"', "hint": "raise equity"}}
    assert error.as_dict() == shape
    assert json.loads(json.dumps(error.as_dict())) == shape
    assert list(error.as_dict()["error"]) == ["code", "message", "hint"]
    assert str(error) == '[SIZE-110] one lot loses "13.00" (hint: raise equity)'


def test_without_a_hint_the_shape_is_the_same() -> None:
    error = LotwiseError("IO-001", "disk full")
    assert str(error) == "[IO-001] disk full"
    assert error.as_dict() == {"error": {"code": "IO-001", "message": "disk full", "hint": ""}}


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_an_error_travels_between_processes(kind: type[LotwiseError]) -> None:
    error = pickle.loads(pickle.dumps(kind("SIZE-110", "message", "hint")))
    assert type(error) is kind
    assert error.as_dict() == kind("SIZE-110", "message", "hint").as_dict()


def test_the_help_lists_the_exit_codes() -> None:
    for code in (0, *(code for _, code in TREE.values())):
        assert f" {code} " in EXIT_CODES


def test_the_root_is_public() -> None:
    assert lotwise.LotwiseError is LotwiseError
    with pytest.raises(lotwise.LotwiseError, match=r"\[CONTRACT-202\].*hint: nearest: "):
        lotwise.contract("binance:BTCUSTD")


def test_every_public_name_is_there_and_an_unknown_one_is_not() -> None:
    assert all(getattr(lotwise, name) is not None for name in lotwise.__all__)
    with pytest.raises(AttributeError, match="no attribute 'sise'"):
        lotwise.sise  # noqa: B018
