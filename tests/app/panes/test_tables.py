import pytest

from so3k_explore.app.panes.tables import TableCard


def test_rows_are_shown_and_chosen_rows_are_heard() -> None:
    heard: list[list[int]] = []
    table = TableCard("Minima", ["ΔE / kcal/mol", "family"], decimals={"ΔE / kcal/mol": 2}, on_select=heard.append)
    assert not table.filled
    table.set({"ΔE / kcal/mol": [0.0, 1.5], "family": ["A", "B"]})
    assert table.filled
    table._table.selection = [1]
    table.highlight([0])
    assert heard == [[1]]
    assert table._table.selection == [0]


def test_chosen_rows_that_vanish_are_no_longer_chosen() -> None:
    table = TableCard("Minima", ["E"])
    table.set({"E": [0, 1, 2]})
    table.highlight([0, 2])
    table.set({"E": [0]})
    assert table._table.selection == [0]


def test_headings_can_carry_another_unit_and_columns_be_left_out() -> None:
    table = TableCard("Minima", ["ΔE", "Shape"])
    before = table._place.objects
    table.arrange({"ΔE": "ΔE / eV"}, ["Shape"])
    assert table._place.objects == before  # the new one appears with its rows
    table.set({"ΔE": [0.5], "Shape": ["t"]})
    assert table._table.titles == {"ΔE": "ΔE / eV"}
    assert table._table.hidden_columns == ["Shape"]
    assert table._place.objects == [table._table]
    assert len(table._table.value) == 1


def test_numbers_that_are_not_known_are_dashes() -> None:
    table = TableCard("Minima", ["ΔE", "μ / D"], decimals={"ΔE": 3, "μ / D": 2}, unknown=["μ / D"])
    table.set({"ΔE": [0.0, 0.5], "μ / D": [2.891, float("nan")]})
    shown = table._table.formatters["μ / D"]
    assert (shown.format, shown.nan_format) == ("0.00", "–")  # noqa: RUF001
    assert table._table.value["μ / D"].dtype == float  # sorted as numbers


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="missing family"):
        TableCard("Minima", ["E", "family"]).set({"E": [0]})


def test_rows_that_a_browser_sends_back_too_late_change_nothing() -> None:
    table = TableCard("Bonds", ["Atoms", "Length / Å"], decimals={"Length / Å": 3})
    table.set({"Atoms": ["A1-A2", "A1-A3"], "Length / Å": [1.1, 1.2]})
    table._table._process_events({"data": {"Atoms": ["A1-A2"], "Length / Å": [9.9]}})
    assert table._table.value["Length / Å"].tolist() == [1.1, 1.2]
