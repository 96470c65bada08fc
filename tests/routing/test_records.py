"""Weights are saved, and fitted on a user's records where that is worth more."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from statistics import mean
from zlib import crc32

import pytest
from click.testing import CliRunner

from hybrid.cli.main import cli
from hybrid.errors import InputError, SettingsError
from hybrid.routing.fit import Example, fit
from hybrid.routing.policies.calibrated import WORTH, Calibrated
from hybrid.routing.records import calibrate, read
from hybrid.routing.weights import carried, load, of_settings, save
from tests.routing.situations import AVERAGE, COMPARES


def test_weights_survive_being_saved(tmp_path):
    file = tmp_path / "router.json"
    save(carried(), file)
    assert load(file).expected(AVERAGE) == carried().expected(AVERAGE)


def test_weights_that_cannot_be_used_are_refused(tmp_path, monkeypatch):
    file = tmp_path / "hybrid-router.json"
    save(replace(carried(), engine="their-model"), file)
    monkeypatch.chdir(tmp_path)
    assert of_settings(None, lambda: "their-model").engine == "their-model"
    with pytest.raises(SettingsError, match="fitted for their-model, and mine answers now"):
        of_settings(None, lambda: "mine")
    file.write_text(json.dumps({**json.loads(file.read_text()), "version": 0}))
    with pytest.raises(SettingsError, match="other features"):
        load(file)
    file.write_text("[1]")
    with pytest.raises(SettingsError, match="no weights of a router"):
        load(file)


def test_a_fit_without_examples_of_its_own_stays_where_it_began():
    one = Example(AVERAGE, 1.0, 0.0, False, "d")
    near = fit([one], carried(), card={}).expected(AVERAGE)
    assert near.rag == pytest.approx(carried().expected(AVERAGE).rag, abs=0.02)
    many = fit([one] * 3000, carried(), card={}).expected(AVERAGE)
    assert many.rag > 0.9
    assert many.long < 0.1


def records(file: Path, questions: int = 120, documents: int = 12, long_is_better: float = 0.5) -> Path:
    """Records in which comparisons need the whole, and nothing else does."""
    chance = random.Random(0)
    lines = []
    for i in range(questions):
        compares = chance.random() < long_is_better
        features = COMPARES if compares else AVERAGE
        for route, score in (("rag", float(not compares)), ("long", float(compares))):
            line = {"question": f"q{i}", "document": f"d{i % documents}", "route": route, "score": score}
            lines.append({**line, "features": features, "tokens": 2_000 if route == "rag" else 40_000, "cost": 0.0001})
    file.write_text("\n".join(map(json.dumps, lines)) + "\n")
    return file


def test_a_fit_on_records_is_judged_on_documents_it_did_not_see(tmp_path):
    found = calibrate(read(records(tmp_path / "r.jsonl", 400, 20)), {})
    assert found.questions > 100
    assert found.groups == 10
    assert found.better
    assert found.scores["fitted"] >= max(found.scores["rag"], found.scores["long"])
    assert len(found.reliability["rag"]) == 5


def test_too_few_records_are_refused_with_how_many_are_missing(tmp_path):
    with pytest.raises(InputError, match="20 questions and 4 documents are missing"):
        calibrate(read(records(tmp_path / "r.jsonl", 40, 4)), {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [r for r in rows if r["route"] == "rag"], "was answered by both routes"),
        (lambda rows: [{**r, "score": 2} for r in rows], "has the score 2"),
        (lambda rows: [{**r, "features": {}} for r in rows], "lacks .* features"),
        (lambda rows: [{**r, "route": "both"} for r in rows], "needs a question, a document or group"),
        (lambda rows: [{**r, "group": r["question"]} for r in rows], "in the groups .* the same group"),
    ],
)
def test_bad_records_are_refused_in_a_sentence(tmp_path, change, message):
    file = records(tmp_path / "r.jsonl")
    rows = change([json.loads(line) for line in file.read_text().splitlines()])
    file.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(InputError, match=message):
        read(file)


def test_records_in_which_the_routes_never_differ_teach_nothing(tmp_path):
    file = records(tmp_path / "r.jsonl")
    rows = [{**json.loads(line), "score": 1} for line in file.read_text().splitlines()]
    file.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(InputError, match="score the same"):
        calibrate(read(file), {})


def test_the_command_writes_weights_that_are_better_and_keeps_the_default_otherwise(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    records(tmp_path / "r.jsonl", 400, 20)
    found = CliRunner().invoke(cli, ["calibrate", "router", "r.jsonl", "--engine", "m", "--json"])
    assert found.exit_code == 0, found.output
    told = json.loads(found.output)
    assert told["better"] is (told["worth"][0] >= 0)
    assert load(tmp_path / "hybrid-router.json").engine == "m"
    shown = CliRunner().invoke(cli, ["calibrate", "router", "r.jsonl"])
    assert "against the better fixed route" in shown.output


REAL = Path(__file__).parents[2] / "examples" / "testbed" / "records.jsonl.gz"


def equal(file: Path, questions: int = 240, documents: int = 40) -> Path:
    """Short texts, which cost little either way: the whole is wrong where passages are, and sometimes elsewhere."""
    chance = random.Random(1)
    lines = []
    for i in range(questions):
        features = {**AVERAGE, "tokens": 0.5, "words": chance.uniform(1.5, 3.5), "covered": chance.uniform(0.6, 1)}
        for route, tokens, wrong in (("rag", 250, {3}), ("long", 1_600, {3, 16})):
            line = {"question": f"q{i}", "document": f"d{i % documents}", "route": route, "tokens": tokens}
            lines.append({**line, "features": features, "score": float(i % 25 not in wrong)})
    file.write_text("\n".join(map(json.dumps, lines)) + "\n")
    return file


def test_what_gains_nothing_is_not_read_after_a_fit(tmp_path):
    """Whatever the carried weights expect of the whole on short texts, and though it costs next to nothing."""
    answered = read(equal(tmp_path / "r.jsonl"))
    default = [Calibrated().decide(one.situation()).route for one in answered]
    assert default.count("long") > len(answered) / 2
    found = calibrate(answered, {})
    assert found.better
    assert found.scores["fitted"] == found.scores["rag"]
    assert found.tokens < 0.25
    fitted = Calibrated(found.weights)
    decisions = [(one, fitted.decide(one.situation())) for one in answered]
    assert {decision.route for _, decision in decisions} == {"rag"}
    assert all(fitted.review(one.situation(), decision) is None for one, decision in decisions)
    assert "do not show going by that to be worth more than 'rag'" in decisions[0][1].reason


def silent(file: Path, questions: int = 200, documents: int = 20) -> Path:
    """Records in which passages are silent on two questions in five, and the whole answers half of these."""
    chance = random.Random(2)
    lines = []
    for i in range(questions):
        features = {**AVERAGE, "tokens": 0.5, "words": chance.uniform(1.5, 3.5), "covered": chance.uniform(0.6, 1)}
        missed = chance.random() < 0.4
        for route, tokens, score in (("rag", 250, not missed), ("long", 1_600, chance.random() < 0.5)):
            line = {"question": f"q{i}", "document": f"d{i % documents}", "route": route, "tokens": tokens}
            line |= {"abstained": missed and route == "rag", "features": features, "score": float(score)}
            lines.append(line)
    file.write_text("\n".join(map(json.dumps, lines)) + "\n")
    return file


def test_the_whole_after_silence_is_what_a_fit_comes_to_where_that_is_worth_most(tmp_path):
    answered = read(silent(tmp_path / "r.jsonl"))
    found = calibrate(answered, {})
    assert found.better
    assert found.weights.rule == found.fixed == "self_route"
    assert found.scores["fitted"] == found.scores["self_route"] > max(found.scores["rag"], found.scores["long"])
    fitted = Calibrated(found.weights)
    for one in answered[:40]:
        situation = one.situation()
        decision = fitted.decide(situation)
        again = fitted.review(situation, decision)
        assert (decision.route, again is not None and again.route) == ("rag", "long")
        assert fitted.reconsider(situation, decision) is None


def test_a_fit_that_gains_keeps_its_second_attempts(tmp_path):
    found = calibrate(read(records(tmp_path / "r.jsonl", 400, 20)), {})
    assert found.weights.rule == ""
    assert found.worth[0] > 0
    assert found.fixed in ("rag", "self_route", "long")


@pytest.mark.parametrize("prefer", ["accuracy", "balance", "cost"])
@pytest.mark.parametrize("make", [equal, records, silent, lambda file: REAL])
def test_what_is_accepted_is_never_worth_less_than_a_fixed_route_on_the_questions_held_out(tmp_path, make, prefer):
    answered = read(make(tmp_path / "r.jsonl"))
    found = calibrate(answered, {"prefer": prefer})
    groups = sorted({one.example.group for one in answered}, key=lambda name: (crc32(name.encode()), name))
    held = [one for one in answered if groups.index(one.example.group) % 2]

    def worth(route):
        """Of a fixed route, from the records alone, as a share of a right answer's worth."""
        spent = [one.dollars[route] if one.dollars[route] is not None else one.tokens[route] * 1e-7 for one in held]
        return mean(getattr(one.example, route) - paid / WORTH[prefer] for one, paid in zip(held, spent, strict=True))

    best = max(map(worth, ("rag", "long")))
    assert found.worth[0] <= found.scores["fitted"] - best + 1e-4  # its own costs come off
    if found.better:
        assert found.scores["fitted"] >= best - 1e-4


def test_the_rule_of_a_fit_is_kept_in_its_file_and_others_are_refused(tmp_path):
    file = tmp_path / "router.json"
    save(replace(carried(), rule="rag"), file)
    assert load(file).rule == "rag"
    data = json.loads(file.read_text())
    file.write_text(json.dumps({key: value for key, value in data.items() if key != "rule"}))
    assert load(file).rule == ""
    file.write_text(json.dumps({**data, "rule": "long"}))
    with pytest.raises(SettingsError, match="no weights of a router"):
        load(file)


def test_a_fixed_way_that_is_worth_more_is_named_and_nothing_is_written(tmp_path, monkeypatch):
    """Passages are right in the half that is fitted on, the whole in the half that judges."""
    monkeypatch.chdir(tmp_path)
    lines = [json.loads(line) for line in equal(tmp_path / "r.jsonl", 400).read_text().splitlines()]
    names = sorted({line["document"] for line in lines}, key=lambda name: (crc32(name.encode()), name))
    for line in lines:
        fitted = names.index(line["document"]) % 2 == 0
        line["score"] = float((line["route"] == "rag") == fitted)
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, lines)))
    shown = CliRunner().invoke(cli, ["calibrate", "router", "r.jsonl"])
    assert shown.exit_code == 0, shown.output
    assert 'nothing written: long is worth more. Set routing.policy = "long", or add records' in shown.output
    assert not (tmp_path / "hybrid-router.json").exists()


def test_records_of_an_engine_that_quotes_are_refused(tmp_path):
    file = records(tmp_path / "r.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    quoted = [{**row, "decision": {"situation": {"features": row.pop("features"), "quoting": True}}} for row in rows]
    file.write_text("\n".join(map(json.dumps, quoted)))
    with pytest.raises(InputError, match=r"engine that quotes.*have a model answer"):
        calibrate(read(file), {})
