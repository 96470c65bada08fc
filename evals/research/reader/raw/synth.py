"""Records made up from nothing: entities with attributes, written as prose, lists, tables or key-values, and questions on them."""
import random

FIRST = "Anna Ben Clara David Elena Farid Grace Hassan Irene Jonas Karin Leo Maria Nadia Omar Paula Quentin Rosa Samuel Teresa Umar Vera Walter Xenia Yusuf Zoe Akira Bianca Carlos Dana Erik Fatima Giulia Henrik Ines Jamal Keiko Lars Mina Noah Olga Pedro Ravi Sofia Tariq Ulla Victor Wanda Yara Zoltan Amelia Boris Chen Deepa Edgar Fiona Gareth Hilda Igor Joanna Kofi Lucia Marek Nora Otto Priya Rupert Sven Tanya Viktor Margaret Thomas Helen Arthur Ruth Frank Alice Philip Edith Howard Judith Stanley Beatrice Cyril".split()
LASTA = "Ald Ber Car Dem El Far Gal Hol Iver Jar Kel Lin Mar Nor Ober Pel Quin Ros Sal Tor Ul Var Wes Yor Zel Ash Brad Crom Dun Est Fen Grim Har Ing Kirk Lang Mor Nash Pem Rad Stan Thorn Wal Whit".split()
LASTB = "berg son ford ley well man stein wick ton ova ini ero ez aux ard ham er field dale low worth mann sen ski by more ell ash".split()
TOWNA = "Ash Brook Clear Deep East Fair Glen High Iron King Lake Mill North Oak Port Red Stone Spring West Wood Green White Black Silver Cold Elm Fox Harb New Old Salt Wind".split()
TOWNB = "ford ton ville burg haven field mouth bridge dale wick port stead bury wood ham hurst ley more gate cliff".split()
COUNTRY = "Norway Portugal Kenya Peru Canada Japan Poland Chile Ghana Vietnam Austria Ireland Turkey Morocco India Brazil Finland Greece Estonia Mexico Spain Italy Sweden Egypt Nepal".split()
CITY = "Oslo Lisbon Nairobi Lima Toronto Osaka Gdansk Santiago Accra Hanoi Vienna Dublin Ankara Rabat Pune Recife Turku Patras Tartu Puebla Seville Turin Malmo Cairo Geneva Leeds Denver Boston Hamburg Lyon Ghent Basel Porto Bergen Kyoto Austin Perth Quebec".split()
COA = "Nova Helio Bright Apex Blue Terra Quant Vertex Omni Lumen Polar Zenith Arbor Cobalt Delta Ember Fathom Granite Harbor Ion Juniper Krypt Lyra Meridian Nimbus Orchid Pinnacle Ridge Sable Tidal Umbra Vista Willow Xeno Yellow Zephyr".split()
COB = "Systems Logistics Foods Pharma Energy Robotics Textiles Analytics Airlines Motors Insurance Media Optics Metals Games Software Shipping Chemicals Biotech Ceramics Partners Holdings Networks".split()
MONTH = "January February March April May June July August September October November December".split()
PROF = "architect botanist composer surgeon translator geologist sculptor chemist historian engineer poet astronomer economist cellist photographer lawyer novelist painter pilot linguist mathematician".split()
FIELD = "marine biology|structural engineering|medieval history|organic chemistry|computer science|philosophy|civil law|number theory|anthropology|plant genetics|economics|music theory|astrophysics|veterinary medicine".split("|")
COLOR = "red blue green yellow black white grey orange purple silver brown".split()
MATERIAL = "granite|brick|limestone|steel and glass|timber|sandstone|concrete|marble|slate|aluminium|oak|cast iron".split("|")
FOOD = "rice lentils barley salmon mushrooms spinach almonds beans cheese potatoes honey olives oats".split()
INSTR = "violin piano cello flute guitar trumpet harp clarinet oboe drums".split()
SPORT = "rowing chess fencing swimming tennis climbing cycling sailing archery judo".split()


def R(x): return random.choice(x)
def person(): return f"{R(FIRST)} {R(LASTA)}{R(LASTB)}"
def town(): return R(TOWNA) + R(TOWNB)
def place(): return R(CITY) if random.random() < .5 else town()
def company(): return f"{R(COA)}{R(['', ' ', ''])}{R(COB).lower() if False else ''}".strip() + " " + R(COB)
def year(a=1850, b=2024): return str(random.randint(a, b))
def date(a=1950, b=2025):
    d, m, y = random.randint(1, 28), R(MONTH), year(a, b)
    return R([f"{d} {m} {y}", f"{m} {d}, {y}", f"{m} {y}"])
def money():
    n = R([random.randint(2, 99) * 100, random.randint(1000, 99999), random.randint(1, 900) * 1000])
    return R([f"${n:,}", f"EUR {n:,}", f"{n:,} euros", f"${random.randint(1, 99)}.{random.randint(1, 9)} million", f"£{n:,}"])
def price(): return R([f"${random.randint(5, 999)}.{random.randint(0, 99):02d}", f"{random.randint(5, 999)} euros", f"${random.randint(5, 2000)}"])
def num(a, b): return lambda: f"{random.randint(a, b):,}"
def unit(a, b, u): return lambda: f"{random.randint(a, b):,} {u}"
def dec(a, b, u): return lambda: f"{random.uniform(a, b):.1f} {u}"
def code(): return R(["{}{}-{}", "{}-{}{}", "{}{}{}"]).format(R("ABCDEFGHKLMNPRST"), R("ABCDEFGHKLMNPRSTX"), random.randint(10, 9999))
def time(): return R([f"{random.randint(7, 21)}:{R(['00', '15', '30', '45'])}", f"{random.randint(1, 12)} {R(['am', 'pm'])}", f"{random.randint(1, 12)}:30 {R(['a.m.', 'p.m.'])}"])
def of(*x): return lambda: R(x)
def days(): return R([f"{R([7, 10, 14, 21, 30, 45, 60, 90, 120])} days", f"{R(['two', 'three', 'four', 'six', 'eight'])} {R(['weeks', 'months'])}", f"{random.randint(2, 18)} months"])
def pct(): return R([f"{random.randint(1, 99)}%", f"{random.uniform(.5, 30):.1f}%", f"{random.randint(2, 60)} percent"])
def email(): return f"{R(FIRST).lower()}.{R(LASTA).lower()}@{R(COA).lower()}.{R(['com', 'org', 'net'])}"
def phone(): return f"{R(['+44', '555', '+49', '0800'])} {random.randint(100, 999)} {random.randint(1000, 9999)}"
def weekday(): return R("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())


# name maker, noun, pronoun, attributes: key -> (label, value maker, statements, questions)
# {n} the name, {s} subject (name or pronoun), {p} possessive, {v} the value
S = {}
S["person"] = (person, "person", ("she", "her"), {
    "born": ("Born", lambda: year(1800, 2000), ["{s} was born in {v}", "Born in {v}, {s} was the youngest of {k} children", "{p} birth in {v} was recorded in the parish register"], ["When was {n} born?", "In what year was {n} born?", "What is the birth year of {n}?", "{n} was born in which year?"]),
    "place": ("Birthplace", place, ["{s} grew up in {v}, where {p0} parents ran a bakery", "{s} came into the world in {v}", "{p} native town was {v}"], ["Where was {n} born?", "Where does {n} come from?", "In which town did {n} grow up?", "What is {n}'s home town?"]),
    "job": ("Profession", lambda: R(PROF), ["{s} worked as a {v} for most of {p0} life", "{s} made a living as a {v}", "By profession {s} was a {v}"], ["What was {n}'s profession?", "What did {n} do for a living?", "What was the occupation of {n}?", "What job did {n} have?"]),
    "study": ("Studied", lambda: R(FIELD), ["{s} studied {v} at the university", "At college {s} took a degree in {v}", "{p} degree was in {v}"], ["What did {n} study?", "Which subject did {n} study?", "In what field did {n} take a degree?"]),
    "spouse": ("Married to", person, ["{s} married {v} after the war", "{p} husband was {v}, whom {s} met on a train", "{v} became {p0} husband"], ["Who was {n} married to?", "Who was the husband of {n}?", "Whom did {n} marry?", "What was the name of {n}'s husband?"]),
    "award": ("Award", lambda: f"the {R(COA)} {R(['Prize', 'Medal', 'Award'])}", ["{s} received {v} for {p0} work", "In recognition of this {s} was given {v}", "{v} went to {s0} that year"], ["Which award did {n} receive?", "What prize did {n} win?", "What was {n} honoured with?"]),
    "children": ("Children", lambda: R("two three four five six seven".split()), ["{s} had {v} children", "{s} raised {v} children"], ["How many children did {n} have?", "What number of children did {n} have?"]),
    "died": ("Died", place, ["{s} died in {v} after a short illness", "{s} spent {p0} last years in {v}, where {s} died"], ["Where did {n} die?", "In which place did {n} die?"]),
    "hobby": ("Hobby", lambda: R(SPORT), ["In {p0} spare time {s} took up {v}", "{s} was fond of {v}"], ["What was {n}'s hobby?", "What did {n} like to do in spare time?"]),
    "employer": ("Employer", company, ["{s} joined {v} as a trainee", "For years {s} was employed by {v}"], ["Who did {n} work for?", "Which company employed {n}?", "What company did {n} work for?"]),
})
S["company"] = (company, "company", ("the company", "its"), {
    "founded": ("Founded", lambda: year(1880, 2020), ["{s} was founded in {v}", "{s} started business in {v} with {k} employees", "Established in {v}, {s} has changed owners twice"], ["When was {n} founded?", "In which year was {n} established?", "What year did {n} start?", "When did {n} begin business?"]),
    "founder": ("Founder", person, ["{v} founded {s0} in a rented garage", "{p} founder was {v}", "{s} was set up by {v}"], ["Who founded {n}?", "Who was the founder of {n}?", "Who started {n}?", "By whom was {n} founded?"]),
    "hq": ("Headquarters", place, ["{s} is headquartered in {v}", "{p} head office is in {v}", "{s} runs its business from {v}"], ["Where is {n} based?", "Where is the head office of {n}?", "In which city is {n} headquartered?", "Where are the headquarters of {n}?"]),
    "ceo": ("Chief executive", person, ["{v} has been chief executive since the spring", "{s} is led by {v}", "The board named {v} as chief executive of {s0}"], ["Who is the CEO of {n}?", "Who leads {n}?", "Who is the chief executive of {n}?", "Who runs {n}?"]),
    "staff": ("Employees", num(12, 90000), ["{s} employs {v} people", "{p} workforce numbers {v}", "At year end {v} people worked for {s0}"], ["How many people work for {n}?", "How many employees does {n} have?", "What is the size of {n}'s workforce?"]),
    "revenue": ("Revenue", money, ["{p} revenue came to {v}", "Last year {s} had sales of {v}", "Revenue of {s0} rose to {v}"], ["What was the revenue of {n}?", "How much revenue did {n} make?", "What were the sales of {n}?"]),
    "product": ("Main product", lambda: R(["water pumps", "hearing aids", "bicycle frames", "tax software", "wind turbines", "frozen pastry", "satellite antennas", "paper packaging", "office chairs", "fishing nets"]), ["{s} makes {v}", "{s} is best known for {v}", "Most of {p0} income comes from {v}"], ["What does {n} make?", "What is {n} known for?", "What is the main product of {n}?", "What does {n} sell?"]),
    "parent": ("Parent", company, ["{s} is a subsidiary of {v}", "{v} bought {s0} some years ago", "{s} belongs to {v}"], ["Who owns {n}?", "Which company does {n} belong to?", "What is the parent company of {n}?", "Who bought {n}?"]),
    "auditor": ("Auditor", company, ["{p} accounts are audited by {v}", "{v} serves as auditor of {s0}"], ["Who audits {n}?", "Who is the auditor of {n}?"]),
    "loss": ("Net loss", money, ["{s} reported a net loss of {v}", "After taxes {s} lost {v}"], ["How much did {n} lose?", "What was the net loss of {n}?"]),
})
S["lease"] = (lambda: R([f"the lease of {random.randint(1, 199)} {town()} {R(['Street', 'Road', 'Lane', 'Avenue'])}", f"the agreement {code()}", f"the {R(['office', 'warehouse', 'flat', 'workshop'])} lease {code()}", f"the contract with {company()}"]), "contract", ("the agreement", "its"), {
    "rent": ("Monthly rent", money, ["The tenant shall pay a monthly rent of {v} under {s0}", "The rent agreed in {s0} amounts to {v} per month", "Under {s0} rent is {v}, due on the first of each month"], ["What is the monthly rent under {n}?", "How much is the rent in {n}?", "What rent does {n} set?"]),
    "deposit": ("Deposit", money, ["A deposit of {v} is held by the landlord under {s0}", "{s} requires a security deposit of {v}"], ["How much is the deposit under {n}?", "What deposit does {n} require?"]),
    "notice": ("Notice period", days, ["Either party may terminate {s0} on {v} notice", "{s} can be ended with notice of {v}", "Notice of termination of {s0} must be given {v} in advance"], ["What is the notice period of {n}?", "How long is the notice period under {n}?", "How much notice is needed to terminate {n}?"]),
    "start": ("Commencement", date, ["{s} takes effect on {v}", "The term of {s0} begins on {v}", "{s} commences on {v}"], ["When does {n} begin?", "What is the effective date of {n}?", "When does {n} take effect?"]),
    "end": ("Expiry", lambda: date(2024, 2035), ["{s} expires on {v}", "Unless renewed, {s} ends on {v}"], ["When does {n} expire?", "On what date does {n} end?", "Until when does {n} run?"]),
    "law": ("Governing law", lambda: "the laws of " + R(COUNTRY), ["{s} is governed by {v}", "{v} apply to {s0}"], ["Which law governs {n}?", "What is the governing law of {n}?", "Under which law does {n} fall?"]),
    "tenant": ("Tenant", R_person := person, ["The tenant named in {s0} is {v}", "{v} signed {s0} as tenant"], ["Who is the tenant under {n}?", "Who signed {n} as tenant?", "What is the name of the tenant in {n}?"]),
    "landlord": ("Landlord", company, ["The landlord in {s0} is {v}", "{v} lets the premises under {s0}"], ["Who is the landlord under {n}?", "Who lets the premises under {n}?"]),
    "late": ("Late fee", pct, ["Late payments under {s0} bear interest at {v} per year", "A late charge of {v} applies under {s0}"], ["What interest applies to late payments under {n}?", "What is the late charge in {n}?"]),
    "cap": ("Liability cap", money, ["Liability under {s0} is limited to {v}", "Neither party shall be liable under {s0} for more than {v}"], ["What is the liability cap in {n}?", "To what amount is liability limited under {n}?"]),
    "pets": ("Pets", of("not permitted", "permitted with written consent", "limited to one cat"), ["Under {s0} pets are {v}", "Keeping pets is {v} under {s0}"], ["Are pets allowed under {n}?", "What does {n} say about pets?"]),
})
S["product"] = (lambda: f"{R(['the ', ''])}{R(COA)} {R([code(), str(random.randint(2, 990)), R(['Pro', 'Mini', 'Max', 'Lite', 'Plus']) + ' ' + str(random.randint(1, 12))])}", "product", ("the device", "its"), {
    "price": ("Price", price, ["{s} costs {v}", "{s} sells for {v}", "The list price of {s0} is {v}"], ["How much does {n} cost?", "What is the price of {n}?", "What does {n} sell for?"]),
    "weight": ("Weight", dec(.2, 40, "kg"), ["{s} weighs {v}", "With a weight of {v}, {s} is easy to carry"], ["How much does {n} weigh?", "What is the weight of {n}?", "How heavy is {n}?"]),
    "battery": ("Battery life", unit(3, 60, "hours"), ["{p} battery lasts {v}", "On one charge {s} runs for {v}"], ["How long does the battery of {n} last?", "What is the battery life of {n}?"]),
    "warranty": ("Warranty", of("one year", "two years", "three years", "five years", "18 months", "10 years"), ["{s} comes with a warranty of {v}", "The maker guarantees {s0} for {v}"], ["How long is the warranty on {n}?", "What warranty does {n} have?"]),
    "color": ("Colour", lambda: R(COLOR), ["{s} is available in {v} only", "{s} comes in {v}"], ["What colour is {n}?", "In which colour is {n} available?", "What color does {n} come in?"]),
    "material": ("Material", lambda: R(MATERIAL), ["{p} housing is made of {v}", "{s} is built from {v}"], ["What is {n} made of?", "Which material is used for {n}?"]),
    "maker": ("Maker", company, ["{s} is made by {v}", "{v} produces {s0} in two plants"], ["Who makes {n}?", "Which company produces {n}?", "Who is the manufacturer of {n}?"]),
    "release": ("Released", date, ["{s} went on sale in {v}", "{s} was released on {v}"], ["When was {n} released?", "When did {n} go on sale?"]),
    "power": ("Power", unit(5, 3000, "watts"), ["{s} draws {v}", "{p} power consumption is {v}"], ["How much power does {n} use?", "What is the power consumption of {n}?"]),
    "temp": ("Operating temperature", lambda: f"{random.randint(-30, 5)} to {random.randint(30, 80)} °C", ["{s} works at {v}", "Operate {s0} at {v} only"], ["At what temperatures does {n} work?", "What is the operating temperature of {n}?"]),
})
S["building"] = (lambda: f"the {R([town(), R(LASTA) + R(LASTB), R(COA)])} {R(['Tower', 'Bridge', 'Library', 'Theatre', 'Museum', 'Cathedral', 'Stadium', 'Lighthouse', 'Hall', 'Station'])}", "building", ("it", "its"), {
    "built": ("Built", lambda: year(1400, 2020), ["{s} was built in {v}", "{s} was completed in {v}", "Construction of {s0} ended in {v}"], ["When was {n} built?", "In what year was {n} completed?", "When was construction of {n} finished?"]),
    "arch": ("Architect", person, ["{s} was designed by {v}", "{v} drew the plans for {s0}", "{p} architect was {v}"], ["Who designed {n}?", "Who was the architect of {n}?", "Who drew the plans for {n}?"]),
    "height": ("Height", unit(9, 400, "metres"), ["{s} is {v} tall", "{s} rises to {v}", "{p} height is {v}"], ["How tall is {n}?", "What is the height of {n}?", "How high is {n}?"]),
    "city": ("City", place, ["{s} stands in {v}", "{s} is located in {v}", "Visitors find {s0} in {v}"], ["Where is {n}?", "In which city is {n} located?", "Where can {n} be found?", "What town is {n} in?"]),
    "material": ("Material", lambda: R(MATERIAL), ["{s} is made of {v}", "{v} was used for {p0} walls"], ["What is {n} made of?", "Which material was used for {n}?"]),
    "cost": ("Cost", money, ["{s} cost {v} to build", "The bill for {s0} came to {v}"], ["How much did {n} cost?", "What did it cost to build {n}?"]),
    "visitors": ("Visitors a year", num(900, 5000000), ["{s} draws {v} visitors a year", "Each year {v} people visit {s0}"], ["How many people visit {n} each year?", "How many visitors does {n} have?"]),
    "open": ("Opening time", time, ["{s} opens at {v} on weekdays", "Doors of {s0} open at {v}"], ["When does {n} open?", "At what time does {n} open?"]),
    "fire": ("Damaged", lambda: year(1700, 2022), ["A fire damaged {s0} in {v}", "{s} was badly damaged in {v}"], ["When was {n} damaged?", "In which year did a fire damage {n}?"]),
    "use": ("Present use", of("a school", "a hotel", "a concert hall", "a courthouse", "a market", "storage", "a youth club"), ["{s} is now used as {v}", "Today {s} serves as {v}"], ["What is {n} used as today?", "What is the present use of {n}?"]),
})
S["event"] = (lambda: f"the {R([str(random.randint(1990, 2026)), R(CITY), R(COA), town()])} {R(['Conference', 'Festival', 'Summit', 'Marathon', 'Exhibition', 'Workshop', 'Book Fair'])}", "event", ("the event", "its"), {
    "date": ("Date", date, ["{s} takes place on {v}", "{s} was held on {v}", "{s} opened on {v}"], ["When does {n} take place?", "What is the date of {n}?", "On which date is {n}?"]),
    "venue": ("Venue", lambda: f"the {R(COA)} {R(['Hall', 'Centre', 'Arena', 'Hotel'])}", ["{s} takes place at {v}", "{p} venue is {v}"], ["Where is {n} held?", "What is the venue of {n}?", "Where does {n} take place?"]),
    "fee": ("Fee", price, ["A ticket for {s0} costs {v}", "The fee for {s0} is {v}"], ["How much is a ticket for {n}?", "What is the fee for {n}?"]),
    "speaker": ("Keynote", person, ["{v} gives the keynote at {s0}", "{s} is opened by a talk of {v}"], ["Who gives the keynote at {n}?", "Who is the keynote speaker of {n}?"]),
    "people": ("Participants", num(20, 40000), ["{v} people attended {s0}", "{s} counted {v} participants"], ["How many people attended {n}?", "How many participants did {n} have?"]),
    "organizer": ("Organiser", company, ["{s} is organised by {v}", "{v} runs {s0}"], ["Who organises {n}?", "Who runs {n}?", "Who is the organiser of {n}?"]),
    "theme": ("Theme", of("clean water", "open data", "urban farming", "rare diseases", "quiet machines", "old maps", "night trains"), ["The theme of {s0} is {v}", "{s} is devoted to {v}"], ["What is the theme of {n}?", "What is {n} about?"]),
    "winner": ("Winner", person, ["{v} won the main prize at {s0}", "The winner of {s0} was {v}"], ["Who won at {n}?", "Who was the winner of {n}?"]),
    "deadline": ("Deadline", date, ["Registration for {s0} closes on {v}", "The deadline for {s0} is {v}"], ["What is the registration deadline of {n}?", "When does registration for {n} close?"]),
})
S["work"] = (lambda: f"{R(['The', 'A', 'My', 'Beyond the', 'Letters from the', 'Under the'])} {R(['Silent', 'Last', 'Broken', 'Golden', 'Hidden', 'Distant', 'Burning', 'Second'])} {R(['River', 'Garden', 'Winter', 'Harbour', 'Mirror', 'Orchard', 'Signal', 'Kingdom', 'Staircase'])}", "work", ("it", "its"), {
    "author": ("Author", person, ["{s} was written by {v}", "{v} wrote {s0} in a single summer", "{p} author is {v}"], ["Who wrote {n}?", "Who is the author of {n}?", "{n} was written by whom?"]),
    "year": ("Published", lambda: year(1800, 2024), ["{s} was published in {v}", "{s} first appeared in {v}"], ["When was {n} published?", "When did {n} come out?", "In which year did {n} first appear?"]),
    "pages": ("Pages", num(60, 1200), ["{s} runs to {v} pages", "{s} has {v} pages"], ["How many pages does {n} have?", "How long is {n}?"]),
    "publisher": ("Publisher", company, ["{v} published {s0}", "{p} publisher was {v}"], ["Who published {n}?", "Which company published {n}?"]),
    "hero": ("Main character", person, ["{p} hero is {v}, a retired sailor", "{s} follows {v} through a hard year"], ["Who is the main character of {n}?", "Who is the hero of {n}?", "Whom does {n} follow?"]),
    "setting": ("Setting", place, ["{s} is set in {v}", "The story of {s0} takes place in {v}"], ["Where is {n} set?", "Where does {n} take place?"]),
    "sold": ("Copies sold", num(300, 9000000), ["{s} sold {v} copies", "{v} copies of {s0} were sold"], ["How many copies of {n} were sold?", "How many copies did {n} sell?"]),
    "lang": ("Language", of("Danish", "Hungarian", "Welsh", "Swahili", "Catalan", "Korean", "Yiddish", "Finnish"), ["{s} was written in {v}", "The original language of {s0} is {v}"], ["In which language was {n} written?", "What is the original language of {n}?"]),
    "film": ("Film version", lambda: year(1930, 2024), ["A film of {s0} was made in {v}", "{s} was filmed in {v}"], ["When was {n} made into a film?", "In what year was {n} filmed?"]),
})
S["nature"] = (lambda: f"the {R([town(), R(LASTA) + R(LASTB), R(COLOR).title()])} {R(['River', 'Lake', 'Glacier', 'Valley', 'Finch', 'Orchid', 'Beetle', 'Trout', 'Mountain'])}", "place", ("it", "its"), {
    "where": ("Found in", lambda: R(COUNTRY), ["{s} is found in {v}", "{s} lies in {v}", "{v} is the only country that has {s0}"], ["Where is {n} found?", "In which country is {n}?", "Which country has {n}?"]),
    "size": ("Length", R([unit(2, 900, "km"), unit(2, 90, "cm")]), ["{s} is {v} long", "{p} length is {v}"], ["How long is {n}?", "What is the length of {n}?"]),
    "disc": ("First described by", person, ["{s} was first described by {v}", "{v} was the first to describe {s0}"], ["Who first described {n}?", "Who discovered {n}?", "By whom was {n} first described?"]),
    "year": ("Described", lambda: year(1700, 2020), ["{s} was first recorded in {v}", "The first report of {s0} dates from {v}"], ["When was {n} first recorded?", "From what year is the first report of {n}?"]),
    "food": ("Fed by", of("melting snow", "small insects", "two springs", "rain", "mosses", "underground water"), ["{s} is fed by {v}", "{s} depends on {v}"], ["What is {n} fed by?", "What does {n} depend on?"]),
    "threat": ("Threat", of("mining", "drought", "overfishing", "new roads", "farming", "tourism", "acid rain"), ["{s} is threatened by {v}", "The main threat to {s0} is {v}"], ["What is {n} threatened by?", "What is the main threat to {n}?"]),
    "depth": ("Depth", unit(2, 400, "metres"), ["{s} reaches a depth of {v}", "{s} has been seen at a depth of {v}"], ["What depth does {n} reach?", "How deep is {n}?"]),
    "count": ("Count", num(30, 90000), ["A survey counted {v} specimens at {s0}", "Researchers took {v} samples from {s0}"], ["How many samples were taken from {n}?", "How many specimens were counted at {n}?"]),
})
S["software"] = (lambda: f"{R(['lib', 'open', 'fast', 'py', 'net', 'data', 'meta', 'hyper'])}{R(['queue', 'cache', 'store', 'parse', 'graph', 'sync', 'vault', 'mesh', 'form'])}{R(['', 'd', '-ng', '2', '-lite'])}", "software", ("the program", "its"), {
    "port": ("Default port", lambda: str(random.randint(1024, 65000)), ["{s} listens on port {v}", "By default {s} uses port {v}"], ["Which port does {n} use?", "What is the default port of {n}?", "On which port does {n} listen?"]),
    "lang": ("Written in", of("Rust", "Go", "C++", "Python", "OCaml", "Java", "Zig", "Erlang"), ["{s} is written in {v}", "{p} code base is {v}"], ["In which language is {n} written?", "What programming language is {n} written in?"]),
    "license": ("Licence", of("MIT", "Apache-2.0", "GPL-3.0", "BSD", "MPL-2.0"), ["{s} is released under the {v} licence", "The licence of {s0} is {v}"], ["What is the licence of {n}?", "Under which license is {n} released?"]),
    "version": ("Version", lambda: f"{random.randint(0, 9)}.{random.randint(0, 30)}.{random.randint(0, 9)}", ["The current version of {s0} is {v}", "{s} reached version {v}"], ["What is the current version of {n}?", "Which version has {n} reached?"]),
    "timeout": ("Timeout", unit(2, 300, "seconds"), ["{s} gives up after {v}", "Requests to {s0} time out after {v}"], ["After how long do requests to {n} time out?", "What is the timeout of {n}?"]),
    "author": ("Maintainer", person, ["{v} maintains {s0}", "{s} is maintained by {v}"], ["Who maintains {n}?", "Who is the maintainer of {n}?"]),
    "config": ("Config file", lambda: f"/etc/{R(COA).lower()}/{R(['main', 'server', 'core', 'app'])}.{R(['toml', 'yaml', 'ini', 'conf'])}", ["{s} reads its settings from {v}", "Settings of {s0} live in {v}"], ["Where are the settings of {n}?", "Which file does {n} read its settings from?", "What is the configuration file of {n}?"]),
    "limit": ("Upload limit", unit(1, 900, "MB"), ["Uploads to {s0} are limited to {v}", "{s} refuses files over {v}"], ["What is the upload limit of {n}?", "How large may files for {n} be?"]),
    "flag": ("Verbose flag", of("--verbose", "-v", "--debug", "--trace", "--log-level=debug"), ["Pass {v} to make {s0} print more", "{v} turns on the log of {s0}"], ["Which flag makes {n} print more?", "How is the log of {n} turned on?"]),
    "contact": ("Contact", email, ["Report bugs in {s0} to {v}", "Security issues of {s0} go to {v}"], ["Where should bugs in {n} be reported?", "What is the contact address for {n}?"]),
})
S["order"] = (lambda: f"{R(['order', 'invoice', 'shipment', 'ticket'])} {code()}", "order", ("it", "its"), {
    "total": ("Total", money, ["The total of {s0} is {v}", "{s} comes to {v}"], ["What is the total of {n}?", "How much does {n} come to?"]),
    "date": ("Date", date, ["{s} was issued on {v}", "{s} is dated {v}"], ["When was {n} issued?", "What is the date of {n}?"]),
    "customer": ("Customer", R_person, ["{s} was placed by {v}", "The customer in {s0} is {v}"], ["Who is the customer of {n}?", "Who placed {n}?"]),
    "items": ("Quantity", unit(2, 900, "boxes"), ["{s} covers {v}", "{v} belong to {s0}"], ["How many boxes does {n} cover?", "What quantity does {n} cover?"]),
    "carrier": ("Carrier", company, ["{s} is delivered by {v}", "{v} carries {s0}"], ["Who delivers {n}?", "Which carrier delivers {n}?"]),
    "dest": ("Destination", place, ["{s} goes to {v}", "{p} destination is {v}"], ["Where does {n} go?", "What is the destination of {n}?"]),
    "status": ("Status", of("paid", "overdue", "on hold", "cancelled", "in transit", "returned"), ["{s} is marked as {v}", "The status of {s0} is {v}"], ["What is the status of {n}?", "How is {n} marked?"]),
    "due": ("Due", lambda: date(2024, 2026), ["{s} is due on {v}", "Payment for {s0} is expected by {v}"], ["When is {n} due?", "By when must {n} be paid?"]),
    "phone": ("Phone", phone, ["Questions on {s0}: call {v}", "For {s0} the number to call is {v}"], ["What number should be called about {n}?", "What is the phone number for {n}?"]),
})
S["team"] = (lambda: f"{R(['the ', ''])}{place()} {R(['Rovers', 'Falcons', 'United', 'Bears', 'Mariners', 'Comets', 'Wolves'])}", "team", ("the club", "its"), {
    "coach": ("Coach", person, ["{s} is coached by {v}", "{v} took over as coach of {s0}"], ["Who coaches {n}?", "Who is the coach of {n}?"]),
    "titles": ("Titles", num(2, 40), ["{s} has won {v} titles", "{v} titles stand in the record of {s0}"], ["How many titles has {n} won?", "How many times has {n} won the title?"]),
    "ground": ("Ground", lambda: f"{town()} {R(['Park', 'Arena', 'Stadium', 'Field'])}", ["{s} plays at {v}", "{p} home ground is {v}"], ["Where does {n} play?", "What is the home ground of {n}?", "Which stadium does {n} play at?"]),
    "captain": ("Captain", person, ["{v} is captain of {s0}", "{p} captain is {v}"], ["Who is the captain of {n}?", "Who captains {n}?"]),
    "colour": ("Colours", lambda: f"{R(COLOR)} and {R(COLOR)}", ["{s} plays in {v}", "{p} colours are {v}"], ["What are the colours of {n}?", "In which colours does {n} play?"]),
    "last": ("Last title", lambda: year(1950, 2024), ["{s} last won the league in {v}", "The last title of {s0} came in {v}"], ["When did {n} last win the league?", "In what year did {n} win its last title?"]),
    "rival": ("Rival", lambda: f"{place()} Athletic", ["{p} old rival is {v}", "Matches of {s0} against {v} are always sold out"], ["Who is the rival of {n}?", "Which club is {n}'s rival?"]),
    "sponsor": ("Sponsor", company, ["{v} sponsors {s0}", "{s} is sponsored by {v}"], ["Who sponsors {n}?", "What company is the sponsor of {n}?"]),
    "score": ("Top scorer", person, ["{v} scored most goals for {s0}", "The top scorer of {s0} is {v}"], ["Who scored most goals for {n}?", "Who is the top scorer of {n}?"]),
})
NUMERIC = {"person": ["born"], "company": ["founded", "staff"], "building": ["built", "height", "visitors"], "work": ["year", "pages", "sold"], "product": ["weight", "battery", "power"], "nature": ["year"], "team": ["titles"], "event": ["people"]}
COMPARE = {"born": ["Who was born earlier, {a} or {b}?|-", "Who is younger, {a} or {b}?|+"], "founded": ["Which was founded first, {a} or {b}?|-", "Which company is older, {a} or {b}?|-"], "staff": ["Which has more employees, {a} or {b}?|+"], "built": ["Which is older, {a} or {b}?|-", "Which was built later, {a} or {b}?|+"], "height": ["Which is taller, {a} or {b}?|+", "Which is lower, {a} or {b}?|-"], "visitors": ["Which has more visitors, {a} or {b}?|+"], "year": ["Which came first, {a} or {b}?|-"], "pages": ["Which is longer, {a} or {b}?|+"], "sold": ["Which sold more copies, {a} or {b}?|+"], "weight": ["Which is heavier, {a} or {b}?|+"], "battery": ["Which has the longer battery life, {a} or {b}?|+"], "power": ["Which uses more power, {a} or {b}?|+"], "titles": ["Which team has won more titles, {a} or {b}?|+"], "people": ["Which had more participants, {a} or {b}?|+"]}
REVERSE = {"person": "Who", "company": "Which company", "lease": "Which agreement", "product": "Which device", "building": "Which building", "event": "Which event", "work": "Which book", "nature": "What", "software": "Which program", "order": "Which order", "team": "Which club"}


def cap(s): return s[:1].upper() + s[1:]


class Rec:
    def __init__(self, kind, n_attr=None):
        self.kind = kind
        make, noun, pron, attrs = S[kind]
        self.name, self.noun = make(), noun
        self.pron = pron if kind != "person" or random.random() < .5 else ("he", "his")
        keys = list(attrs)
        random.shuffle(keys)
        n = n_attr or random.randint(3, min(7, len(keys) - 1))
        self.have, self.lack = keys[:n], keys[n:]
        self.val = {k: attrs[k][1]() for k in keys}

    def prose(self, keys=None):
        out = []
        for i, k in enumerate(keys or self.have):
            t = R(S[self.kind][3][k][2])
            full = i == 0 or random.random() < .35
            pron, poss = self.pron
            if self.kind == "person" and poss == "his":
                t = t.replace("husband", "wife")
            subj = self.name if full else pron
            own = (self.name + ("'s" if not self.name.endswith("s") else "'")) if full else poss
            obj = self.name if full else {"he": "him", "she": "her"}.get(pron, pron)
            start = t.startswith(("{s}", "{p}"))
            s = t.format(s=subj, s0=obj, p=own, p0=poss if self.kind == "person" else "its", v=self.val[k], k=R("two three four five six".split()), n=self.name)
            # a subject in the middle stays small, save that it is a name
            out.append(cap(s) + ".")
        return " ".join(out)

    def kv(self):
        sep = R([": ", " = ", " - ", ": "])
        lead = R([f"{cap(self.name)}\n", f"Name{sep}{self.name}\n", f"## {cap(self.name)}\n"])
        b = R(["", "- ", "* "])
        return lead + "\n".join(f"{b}{S[self.kind][3][k][0]}{sep}{self.val[k]}" for k in self.have)

    def text(self):
        return self.prose() if random.random() < .75 else self.kv()

    def ask(self, key):
        q = R(S[self.kind][3][key][3])
        if self.kind == "person" and self.pron[0] == "he":
            q = q.replace("husband", "wife")
        return q.format(n=self.name)


def table(recs):
    keys = [k for k in recs[0].have]
    for r in recs: r.have, r.lack = keys, [k for k in r.val if k not in keys]
    lab = [S[recs[0].kind][3][k][0] for k in keys]
    rows = [[R([r.name, cap(r.name)])] + [r.val[k] for k in keys] for r in recs]
    head = [R(["Name", "Item", cap(recs[0].noun)])] + lab
    style = random.randint(0, 3)
    if style == 0: return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] + ["| " + " | ".join(r) + " |" for r in rows])
    if style == 1: return "\n".join(["\t".join(head)] + ["\t".join(r) for r in rows])
    if style == 2: return "\n".join([";".join(head)] + [";".join(r) for r in rows])
    return "\n".join("; ".join(f"{h}: {v}" for h, v in zip(head, r)) for r in rows)
