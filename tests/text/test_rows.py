"""Rows of tables as people ask about them: names of columns that are cut short, the most of something, what says no."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybrid import Hybrid
from hybrid.text.rows import cells_of, extreme_in, extreme_rows, in_words, is_short_for_more, rows_in_words, says_no
from hybrid.text.sentences import sentences

STORE = """\
id,descr.,ht_cm,wt_g,qty,heated,price_eur,last_chk
K1,Copper kettle,31,1450,2,no,64.00,2025-03-04
K2,Steel kettle,28,990,7,no,39.50,2025-06-11
K3,Samovar,52,4120,1,yes,310.00,2024-11-30
K4,Travel urn,24,870,3,no,28.00,2025-01-17
"""
TRAINS = """\
<table><tr><th>Train</th><th>dep.</th><th>arr.</th><th>runs</th></tr><tr><td>R1 to Aldin</td><td>06:40</td>
<td>07:30</td><td>daily</td></tr><tr><td>R7 to Aldin</td><td>20:45</td><td>21:35</td><td>daily</td></tr><tr>
<td>R9 to Brook</td>
<td>22:10</td><td>23:00</td><td>daily</td></tr></table>
"""


def test_names_of_columns_stand_in_whole_words() -> None:
    row = "emp_no: 4 | dept.: Office | startDate: 2019 | dep_time: 9:40 | notes: no dept. | tel:"
    assert in_words(row) == (
        "employee no: 4 | department: Office | start Date: 2019 | departure time: 9:40 | notes: no dept. | telephone:"
    )
    assert cells_of(row)["department"] == "Office"
    assert cells_of(row)["telephone"] == ""
    assert is_short_for_more(row)
    assert not is_short_for_more("name: Lena | city: Kiel")


def test_rows_in_words_keep_their_places() -> None:
    text = "Prices.\n\nqty: 1 | descr.: Kettle\nqty: 2 | descr.: Urn\n\nAsk for more."
    starts = np.array([start for start, _ in sentences(text)])
    spelled, at = rows_in_words(text, starts)
    assert [spelled[i:].splitlines()[0] for i in at] == [
        "Prices.",
        "quantity number: 1 | description: Kettle",
        "quantity number: 2 | description: Urn",
        "Ask for more.",
    ]


@pytest.mark.parametrize(
    ("values", "sign", "expected"),
    [
        (["£68", "£145", "£31"], 1, [1]),
        (["1,260 °C", "990 °C", ""], -1, [1]),
        (["2024-05-06", "2009-03-02", "2019-08-05"], -1, [1]),
        (["06/05/2024", "02/03/2009", "05/08/2019"], 1, [0]),
        (["06:40", "20:45", "9:05"], 1, [1]),
        (["3", "7", "7"], 1, [1, 2]),
        (["red", "green", "7"], 1, None),
    ],
)
def test_the_most_of_a_column(values: list[str], sign: int, expected: list[int] | None) -> None:
    rows = [{"name": f"thing {letter}", "what": value} for letter, value in zip("abc", values, strict=True)]
    found = extreme_rows(rows, sign, "", lambda name: float(name == "what"))
    assert found == expected


def test_of_two_columns_none_is_chosen() -> None:
    rows = [{"adult": "3", "child": "1"}, {"adult": "5", "child": "2"}]
    assert extreme_rows(rows, 1, "price", lambda name: 0.0) is None
    assert extreme_rows(rows, 1, "", lambda name: float(name == "child")) == [1]


def test_words_that_ask_for_the_most() -> None:
    assert (extreme_in("Which is the heaviest?") or ("", 0))[:2] == (("heaviest",), 1)
    assert (extreme_in("Which is the least expensive one?") or ("", 0))[:2] == (("least", "expensive"), -1)
    assert extreme_in("How many are there?") is None
    assert extreme_in("30?") is None


def test_what_says_no() -> None:
    assert all(map(says_no, ("", "no", "None", "-", "n/a")))
    assert not any(map(says_no, ("yes", "North", "nothing but wool")))


ASKED = {
    "How heavy is the travel urn?": "870",
    "How tall is the samovar?": "52",
    "Which kettle is the heaviest?": "Copper",
    "Which is the cheapest?": "Travel urn",
    "What is the most expensive one?": "Samovar",
    "Which one is heated?": "Samovar",
    "When was the steel kettle last checked?": "2025-06-11",
}


@pytest.mark.parametrize("question", ASKED)
def test_a_table_is_asked_in_other_words_than_its_columns(question: str, tmp_path: Path) -> None:
    (tmp_path / "store.csv").write_text(STORE)
    with Hybrid() as hybrid:
        answer = hybrid.answer(question, tmp_path)
    assert ASKED[question] in answer.text, answer.text
    others = {"Copper", "Steel", "Samovar", "urn"} - {
        w for w in ("Copper", "Steel", "Samovar", "urn") if w in answer.text
    }
    assert len(others) == 3, answer.text


def test_the_last_of_some_rows(tmp_path: Path) -> None:
    (tmp_path / "trains.html").write_text(TRAINS)
    with Hybrid() as hybrid:
        answer = hybrid.answer("When does the last train to Aldin leave?", tmp_path)
    assert "20:45" in answer.text
    assert "22:10" not in answer.text
