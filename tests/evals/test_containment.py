"""What cited texts hold by rule: figures and their places, units, names, denials."""

from __future__ import annotations

import pytest
from hybrid.evals.metrics.containment import Source, contained, read

LEASE = Source(
    "The lease of the office in Lima ends on 31 August 2031 and may be renewed for two years.", "lease.txt Term"
)
RENT = Source("Rent is 1,250,000 dollars a year. It is not due before 5 March 2024.", "lease.txt Rent")
REPORT = Source(
    "Revenue rose by 12 % to €48 million in 2023, while the number of branches fell to 310. Maria Lopez Rios, who "
    "joined in 1998, became chair in 2021. The company did not pay a dividend. Staff may not smoke. Notice is given no "
    "later than thirty days before the end, and two million shares were issued.",
    "report.txt Results of Orinoco",
)


@pytest.mark.parametrize(
    ("statement", "supported"),
    [
        ("The lease of the office in Lima ends on 31 August 2031.", True),
        ("The Lima office's lease ends in 2031.", True),  # other order, a part of the date
        ("The lease may be renewed for 2 years.", True),  # a number in letters there
        ("The term of the lease ends on 2031-08-31.", True),  # a date in another spelling, a word of the heading
        ("Rent is 1.25 million dollars a year.", True),
        ("Rent is not due before 5 March 2024.", True),
        ("The lease ends on 30 August 2031.", False),  # another day
        ("The lease may be renewed for three years.", False),
        ("The lease of the office in Quito ends on 31 August 2031.", False),  # another name
        ("The lease of the office in Lima does not end on 31 August 2031.", False),  # "not" is of something else
        ("Rent is 1,250 dollars a year.", False),
        ("Tenants shall insure all windows and doors against storms.", False),
        ("Yes.", False),
        ("", False),
    ],
)
def test_what_two_texts_contain(statement: str, supported: bool) -> None:
    assert contained(statement, [LEASE, RENT]) == supported


def test_a_denial_and_a_figure_of_the_title_have_to_be_in_the_text_itself() -> None:
    assert not contained("The lease of the office in Lima does not end on 31 August 2031.", [LEASE])
    assert not contained("The lease of the office ends in 2024.", [Source(LEASE.text, "report-2024.txt")])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Orinoco's revenue rose to 48 million in 2023.", "Orinoco's revenue rose to 310 in 2023."),
        ("Orinoco's revenue rose to 48 million in 2023.", "Orinoco's revenue rose to 48 million in 1998."),
        ("Lopez joined in 1998 and became chair in 2021.", "Lopez joined in 1998 and became chair in 2023."),
        ("The number of branches fell to 310 then.", "The number of branches fell to 30 then."),
    ],
)
def test_a_figure_has_to_stand_where_no_other_of_its_kind_fits_clearly_better(right: str, wrong: str) -> None:
    assert contained(right, [REPORT])
    assert not contained(wrong, [REPORT])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Revenue rose by 12 per cent.", "Revenue rose by $12."),
        ("Revenue was €48 million.", "Revenue was $48 million."),
        ("Notice has to be given 30 days before the end.", "Notice has to be given sixty days before the end."),
        ("Some 2,000,000 shares were issued.", "Some three million shares were issued."),
        ("The lease ends on 31 August.", "The lease ends after 31 months."),  # the day of a date is no number of months
    ],
)
def test_units_and_numbers_in_letters_count(right: str, wrong: str) -> None:
    assert contained(right, [REPORT, LEASE])
    assert not contained(wrong, [REPORT, LEASE])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Orinoco paid no dividend.", "Orinoco did pay a dividend."),
        ("Smoking is not allowed for staff.", "Staff may smoke."),
        ("Notice is given within 30 days before the end.", "Notice is not given 30 days before the end."),
        ("The company did not pay a dividend to anybody.", "The company did not issue two million shares."),
    ],
)
def test_a_denial_is_of_what_it_stands_before(right: str, wrong: str) -> None:
    assert contained(right, [REPORT])
    assert not contained(wrong, [REPORT])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Maria Rios joined in 1998.", "Maria Orinoco joined in 1998."),  # parts of two names
        ("Lopez became chair in 2021.", "Berlin became chair in 2021."),  # a name that begins the sentence
        ("Chair in 2021 was Lopez.", "Chair in 2021 was Weber."),
    ],
)
def test_names_are_there_and_their_parts_together(right: str, wrong: str) -> None:
    assert contained(right, [REPORT])
    assert not contained(wrong, [REPORT])


def test_what_is_quoted_word_for_word_is_held_and_roles_are_not_seen() -> None:
    assert contained("Staff may not smoke.", [REPORT])
    assert contained("Revenue rose to 310 branches.", [Source("Revenue rose to 310 branches. Revenue rose to 12.")])
    assert contained("Lopez was thanked by Rios.", [Source("Rios was thanked by Lopez.")])  # limits that are told
    assert contained("Lopez became the chair in 1998.", [REPORT])  # another year stands about as near


def test_figures_are_told_apart() -> None:
    found = {
        tuple(sorted(one.values)): one.kind
        for one in read("On 3 May 1999, the 4th of 12 items, AS-278, cost 1850.").figures
    }
    assert found["1999-05-03",] == "date"
    assert (found["4",], found["12",], found["as278",], found["1850",]) == ("order", "number", "code", "year")
