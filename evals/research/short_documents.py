# ruff: noqa: E501  (a fact is a line)
"""Short documents that are made, with questions: half of what the default engine's weights are fitted on.

Each is of one theme and states some of its facts, as sections, as prose, as a list, as lines "key: value" or as a table;
the facts that are left out give questions without an answer. Wordings and values are this file's own; none of them is
taken from a benchmark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from hybrid.corpus.readers.read import read_text
from hybrid.types import Piece

FORMS = ("sections", "prose", "lines", "bullets", "table")
_FIRST = (
    "Anna Bruno Clara David Elif Farid Greta Hugo Irene Jakob Karin Lars Mira Nils Olga Pavel Rosa Samir Tilda Victor"
)
_LAST = (
    "Abel Brandt Castell Demir Engel Fontana Grimm Hoffer Ivanov Jansen Keller Lopez Moreau Noack Olsson Petit Rossi"
)
_PLACES = "Aachen Bergen Cardiff Delft Esbjerg Ferrara Ghent Halle Innsbruck Jena Kassel Lund Metz Nantes Oslo Porto"
_MONTHS = "January February March April May June July August September October November December"

# theme: title; then a fact a line: key | sentences, "/" between two ways | questions
_THEMES = """
# Lease of the flat at {place}
Landlord | The landlord is {person}. / {person} lets the flat as landlord. | Who is the landlord? ; Who lets the flat?
Tenant | The tenant is {person}. | Who is the tenant? ; Who rents the flat?
Start | The lease begins on {date}. / The term starts on {date}. | When does the lease start? ; From when is the flat let?
End of lease | The lease ends on {date}. / It is concluded until {date}. | When does the lease end? ; When does the tenancy expire?
Rent | The monthly rent is {money}. / The tenant pays {money} a month. | How much is the rent? ; What does the tenant pay each month?
Security deposit | A deposit of {money} is paid before moving in. / The tenant provides {money} as security. | What is the security deposit? ; How high is the deposit?
Notice period | Either party may give notice with a period of {duration}. / It may be terminated with {duration} notice. | How long is the notice period? ; How much notice is needed to terminate?
Pets | Pets are allowed with the landlord's consent. / The tenant may keep a cat, but no dogs. | May the tenant keep pets? ; Are animals allowed?
Smoking | Smoking is not permitted in the rooms. | Is smoking allowed? ; May I smoke in the flat?
Parking | Parking space no. {count} belongs to the flat. | Which parking space belongs to the flat? ; Where may the tenant park?
Heating costs | Heating is charged at {money} a year. | What does heating cost? ; How much is paid for heating?
Guarantor | {person} guarantees the tenant's debts. | Who is the guarantor? ; Who guarantees the debts?
Electricity | The tenant contracts for electricity at {money} a month. | How much is electricity? ; What does electricity cost?
Repairs | Repairs of up to {money} are paid by the tenant. | Up to which amount does the tenant pay for repairs? ; Who pays small repairs?
# Minutes of the meeting of the choir
Chair | {person} chaired the meeting. / The meeting was led by {person}. | Who chaired the meeting? ; Who led the meeting?
Minutes taken by | {person} kept the minutes. | Who took the minutes? ; Who wrote the minutes?
Apologies | {person} sent apologies. | Who was absent? ; Who could not come?
Balance | The treasurer reported a balance of {money}. / There are {money} in the account. | What is the balance? ; How much money does the choir have?
Next meeting | The next meeting is on {date}. | When is the next meeting? ; When does the choir meet again?
Members | The choir has {count} members now. | How many members are there? ; How many people sing in the choir?
Concert | The concert takes place on {date} in {place}. | When is the concert? ; Where does the concert take place?
Ticket price | Tickets for the concert cost {money}. | How much is a ticket? ; What do tickets cost?
New conductor | {person} was elected conductor by {count} votes. | Who was elected conductor? ; Who conducts the choir now?
Membership fee | The yearly fee rises to {money}. | How high is the membership fee? ; What does membership cost?
Rehearsals | Rehearsals begin at {time} on Tuesdays. | When do rehearsals begin? ; At what time are rehearsals?
Piano | The piano has to be tuned; {person} takes care of it. | Who takes care of the piano? ; What has to be done with the piano?
Bus company | The trip is made with the coaches of {person}. | Which company drives the bus? ; Who drives the choir?
# Vacuum cleaner VC {count}: instructions for use
Power | The motor takes {count} watts. | What is the power of the motor? ; How strong is the motor?
Weight | It weighs {weight}. / The appliance has a weight of {weight}. | How heavy is it? ; What does the appliance weigh?
Cable | The cable is {length} long. | How long is the cable? ; What is the length of the cord?
Dust bag | The bag holds {volume} of dust. | How much does the dust bag hold? ; What is the capacity of the bag?
Filter | Wash the filter every {duration}. / The filter is to be changed after {duration}. | How often must the filter be washed? ; When is the filter changed?
Noise | It makes {count} decibels of noise. | How loud is the appliance? ; How much noise does it make?
Warranty | The warranty lasts {duration}. / It is under warranty for {duration}. | How long is the warranty? ; For how long is there a guarantee?
Hotline | Our service answers at {phone}. | What is the telephone number of the service? ; Whom can I call?
Error E2 | E2 is shown when the hose is blocked. | What does E2 mean? ; Why does it show E2?
Wet floors | It must not be used on wet floors. | Can I use it on wet floors? ; May it be used on water?
Made in | The appliance is made in {place}. | Where is it made? ; In which city is it produced?
Price | The appliance costs {money}. | What does it cost? ; How much is the appliance?
Battery | The battery runs for {duration}. | How long does the battery last? ; How long does it run?
Colour | It can be had in black and in red. | In which colours is it sold? ; What colour is it?
# Employment agreement
Employer | The employer is {person} Ltd of {place}. | Who is the employer? ; Which company employs?
Employee | {person} is employed as a designer. | Who is employed? ; What is the employee's job?
First day | Work begins on {date}. | When does the employment start? ; When is the first day of work?
Salary | The yearly salary is {money}. / The employee earns {money} a year. | What is the salary? ; How much does the employee earn?
Working hours | The employee works {count} hours a week. | How many hours are worked a week? ; How long is the working week?
Holidays | The employee has {count} days of paid leave a year. | How many days of holiday are there? ; How much leave is given?
Probation | The first {duration} are a probationary period. | How long is the probation? ; How long is the trial period?
Place of work | The place of work is {place}. | Where does the employee work? ; In which city is the place of work?
Manager | The employee reports to {person}. | Who is the manager? ; To whom does the employee report?
Bonus | A bonus of up to {percent} of the salary may be paid. | How high is the bonus? ; What bonus can be earned?
Sick leave | Sickness has to be told by {time} on the first day. | By when must sickness be reported? ; What must be done in case of illness?
Pension | The employer pays {percent} into the pension plan. | How much is paid into the pension? ; What is the pension contribution?
Company car | The employee may use a company car for private trips. | May the company car be used privately? ; Is there a company car?
CEO | The chief executive is {person}. | Who is the CEO? ; Who leads the company?
# Travel policy
Approval | Trips have to be approved by {person}. | Who approves trips? ; Who has to agree to a trip?
Hotels | A night in a hotel may cost up to {money}. | What may a hotel cost? ; How much is paid for a hotel?
Flights | Flights are booked in economy class below {count} hours. | Which class is booked for flights? ; May I fly business class?
Meals | Meals are paid up to {money} a day. | How much is paid for meals? ; What is the daily allowance?
Mileage | Private cars are paid at {money} per kilometre. | How much is paid per kilometre? ; What is paid for using my own car?
Receipts | Receipts are handed in within {duration}. | By when must receipts be handed in? ; How long may I wait with receipts?
Taxis | Taxis are not reimbursed between 8:00 and {time}. | Are taxis reimbursed? ; May I take a taxi?
Advance | An advance of {percent} is paid on request. | How high is the advance? ; Can I get money beforehand?
Insurance | The traveller is insured with {person} Mutual. | With whom is the traveller insured? ; Which company insures?
Parking at the airport | Parking is paid for up to {count} days. | For how many days is parking paid? ; Is parking paid?
Contact | Questions are answered at {phone}. | Whom do I ask? ; What is the phone number for questions?
# Soup of lentils, a recipe
Serves | It is enough for {count} people. | How many people does it serve? ; For how many is it enough?
Lentils | Rinse {grams} of red lentils. | How many lentils are needed? ; How much lentils does it take?
Cooking time | It simmers for {duration}. / Let it cook for {duration}. | How long does it cook? ; How long must it simmer?
Onions | Fry {count} onions in oil. | How many onions are needed? ; What is fried in oil?
Water | Add {volume} of water. | How much water is added? ; How much liquid is used?
Spice | Season it with cumin and {grams} of salt. | Which spices are used? ; How much salt is added?
Garnish | Serve it with lemon and parsley. | What is it served with? ; What goes on top?
Keeps for | It keeps for {duration} in the refrigerator. | How long does it keep? ; How long can I store it?
Oven | The oven is set to {count} degrees. | How hot is the oven? ; What temperature is needed?
Calories | A portion has {count} kilocalories. | How many calories does it have? ; How many calories are in a portion?
# Town library of {place}
Opening hours | It is open from {time} on weekdays. | When does the library open? ; From what time is it open?
Closed on | It is closed on Mondays. | Is the library open on Monday? ; On which day is it closed?
Card | A card costs {money} a year. | What does a card cost? ; How much is a library card?
Loan period | Books are lent for {duration}. | How long may I keep a book? ; For how long are books lent?
Late fee | A late book costs {money} a week. | What do I pay for a late book? ; How much is the fine?
Books | It holds {count} thousand books. | How many books does the library have? ; How large is the collection?
Head | {person} is the head of the library. | Who leads the library? ; Who is the head?
Founded | The library was founded in {year}. | When was the library founded? ; How old is the library?
Architect | The house was built by {person}. | Who built the house? ; Who was the architect?
Food and drink | Food is not allowed in the reading room. | May I eat in the library? ; Is food allowed?
Wireless | The network is free of charge for {duration}. | How long can I use the network? ; Is there internet?
Address | It stands at {count} Mill Street. | Where is the library? ; What is the address?
Printing | A page in colour costs {money}. | What does printing cost? ; How much is a page in colour?
# Service agreement
Provider | The services are rendered by {person} Consulting. | Who is the provider? ; Which company renders the services?
Customer | The customer is the city of {place}. | Who is the customer? ; For whom are the services?
Term | The agreement runs until {date}. | When does the agreement end? ; Until when does it run?
Price | The customer pays {money} a month. | How much does the customer pay? ; What do the services cost?
Payment | Invoices are due within {count} days. | When are invoices due? ; Within how many days must bills be paid?
Liability | Liability is limited to {money}. | To which amount is liability limited? ; What is the limit of liability?
Governing law | The law of {place} applies. | Which law governs the agreement? ; What law applies?
Response time | Faults are answered within {count} hours. | How fast are faults answered? ; What is the response time?
Interest | Late payments bear interest of {percent}. | What interest is due on late payments? ; What happens if the customer pays late?
Confidentiality | Secrets have to be kept for {duration} after the end. | How long does confidentiality last? ; For how long must secrets be kept?
Insurance | The provider insures itself for {money}. | How high is the provider's insurance? ; For how much must the provider be insured?
Subcontractors | Subcontractors may not be used without consent. | May the provider use subcontractors? ; Are subcontractors allowed?
Data protection officer | {person} is the officer for data protection. | Who is the data protection officer? ; Whom do I ask about data protection?
"""
_FILLERS = (
    "Further details are laid down in writing.", "All of them were told in good time.", "There was nothing to add.",
    "This has proved its worth.", "Changes need the consent of all.", "Please read this part with care.",
    "It was talked about at length.", "Nothing else is agreed.", "The list in the annex is part of it.",
)  # fmt: skip
_COLUMNS = {
    "department": (("Sales", "Legal", "Support", "Finance"), "Which department does {n} work in?", "Who works in {v}?"),
    "city": (tuple(_PLACES.split()), "In which city does {n} live?", "Who lives in {v}?"),
    "salary": ((), "How much does {n} earn?", ""),
    "phone": ((), "What is {n}'s phone number?", ""),
    "start": ((), "When did {n} start?", ""),
    "room": ((), "Which room is {n} in?", ""),
    "manager": ((), "Who is {n}'s manager?", ""),
}


@dataclass(frozen=True)
class Made:
    """A document with a question."""

    text: str
    question: str
    golds: tuple[str, ...]  # empty: the document does not say
    half: int = 0  # themes are in one half each

    def pieces(self) -> list[Piece]:
        """As the engine gets it: the whole document."""
        return [Piece("document.md", self.text, 0)]


def made(count: int, seed: int = 0) -> Iterator[Made]:
    """Questions on `count` documents, about eight a document, a third of them without an answer."""
    themes: list[tuple[str, list[list[str]]]] = []
    for line in _THEMES.strip().splitlines():
        if line.startswith("# "):
            themes.append((line[2:], []))
        else:
            themes[-1][1].append([part.strip() for part in line.split("|")])
    for number in range(count):
        random = np.random.default_rng([seed, number])
        if number % 5 == 4:
            yield from (replace(one, half=number // 5 % 2) for one in _people(random))
        else:
            theme = number % len(themes)
            form = FORMS[int(random.integers(len(FORMS)))]
            yield from (replace(one, half=theme % 2) for one in _theme(random, *themes[theme], form))


def _theme(random: np.random.Generator, title: str, facts: list[list[str]], form: str) -> Iterator[Made]:
    order = random.permutation(len(facts))
    stated, left = order[: -len(facts) // 4], order[-len(facts) // 4 :]
    blocks, asked = [], []
    for i in stated:
        key, sentences, questions = facts[i]
        sentence, value = _filled(random, str(random.choice(sentences.split(" / "))))
        question = str(random.choice(questions.split(" ; ")))
        gold = value or sentence
        asked.append((question, gold))
        filler = str(random.choice(_FILLERS))
        blocks.append((key, sentence, gold, filler))
    heading, _ = _filled(random, title)
    text = _laid_out(random, heading, blocks, form)
    for question, gold in random.permutation(asked)[:6]:
        yield Made(text, str(question), (str(gold),))
    for i in left[:3]:
        yield Made(text, str(random.choice(facts[i][2].split(" ; "))), ())


def _laid_out(random: np.random.Generator, title: str, blocks: list[tuple[str, str, str, str]], form: str) -> str:
    if form == "sections":
        parts = [
            f"## {i}. {key}\n\n{s} {f if random.random() < 0.6 else ''}" for i, (key, s, _, f) in enumerate(blocks, 1)
        ]
    elif form == "prose":
        parts = [
            " ".join(f"{s} {f}" if random.random() < 0.3 else s for _, s, _, f in blocks[i : i + 3])
            for i in range(0, len(blocks), 3)
        ]
    elif form == "bullets":
        parts = ["\n".join(f"- {s}" for _, s, _, _ in blocks)]
    elif form == "lines":
        parts = ["\n".join(f"{key}: {gold}" if gold != s else f"{key}: {s}" for key, s, gold, _ in blocks)]
    else:
        rows = "\n".join(f"| {key} | {gold} |" for key, _, gold, _ in blocks)
        parts = [f"| Item | Value |\n|---|---|\n{rows}"]
    return read_text("document.md", f"# {title}\n\n" + "\n\n".join(part.strip() for part in parts) + "\n").text


def _filled(random: np.random.Generator, template: str) -> tuple[str, str]:
    """The template with values, and the last of the values."""
    value = ""
    for name, draw in _VALUES.items():
        if "{" + name + "}" in template:
            value = draw(random)
            template = template.replace("{" + name + "}", value)
    return template, value


def _name(random: np.random.Generator) -> str:
    return f"{random.choice(_FIRST.split())} {random.choice(_LAST.split())}"


_VALUES: dict[str, Callable[[np.random.Generator], str]] = {
    "place": lambda r: str(r.choice(_PLACES.split())),
    "date": lambda r: f"{r.integers(1, 29)} {r.choice(_MONTHS.split())} {r.integers(2015, 2031)}",
    "year": lambda r: str(r.integers(1850, 2020)),
    "time": lambda r: f"{r.integers(7, 20)}:{r.choice(['00', '30', '15'])}",
    "duration": lambda r: f"{r.choice(['two', 'three', 'four', 'six', '10', '12', '18', '30'])} {r.choice(['days', 'weeks', 'months', 'years'])}",
    "count": lambda r: str(r.integers(3, 900)),
    "percent": lambda r: f"{r.integers(2, 30)} per cent",
    "money": lambda r: f"{r.integers(1, 9)},{r.integers(100, 999)} euros" if r.random() < 0.5 else f"{r.integers(10, 990)} euros",
    "weight": lambda r: f"{r.integers(2, 30)}.{r.integers(1, 9)} kg",
    "length": lambda r: f"{r.integers(2, 12)} metres",
    "volume": lambda r: f"{r.integers(1, 6)}.{r.integers(1, 9)} litres",
    "grams": lambda r: f"{r.integers(2, 90)}0 g",
    "phone": lambda r: f"0{r.integers(100, 999)} {r.integers(10000, 99999)}",
    "person": _name,
}  # fmt: skip


def _people(random: np.random.Generator) -> Iterator[Made]:
    """A table of people as CSV, with questions on its cells, on a person it lacks and on a column it lacks."""
    names = list(dict.fromkeys(_name(random) for _ in range(12)))
    columns = [str(c) for c in random.permutation(list(_COLUMNS))[:4]]
    rows = []
    for _ in names:
        drawn = {
            "salary": str(random.integers(300, 900) * 100), "phone": str(random.integers(1000, 9999)),
            "start": f"20{random.integers(10, 25)}-0{random.integers(1, 9)}-{random.integers(10, 28)}",
            "room": f"{random.choice(list('ABC'))}{random.integers(100, 400)}", "manager": _name(random),
        }  # fmt: skip
        rows.append([drawn[c] if c in drawn else str(random.choice(_COLUMNS[c][0])) for c in columns])
    present, absent = names[:-2], names[-2:]
    lines = [",".join(["name", *columns]), *(",".join([n, *row]) for n, row in zip(present, rows, strict=False))]
    text = read_text("people.csv", "\n".join(lines) + "\n").text
    for _ in range(5):
        i, j = int(random.integers(len(present))), int(random.integers(len(columns)))
        about = present[i] if random.random() < 0.5 else present[i].split()[0]
        if sum(n.split()[0] == about for n in present) <= 1:
            yield Made(text, _COLUMNS[columns[j]][1].format(n=about), (f"{present[i]} ", present[i]))
    yield Made(text, _COLUMNS[columns[0]][1].format(n=absent[0]), ())
    lacking = next(c for c in _COLUMNS if c not in columns)
    yield Made(text, _COLUMNS[lacking][1].format(n=present[0]), ())
