"""The trained policy: expectations, what they are worth, limits, and what it does live."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from hybrid.cli.main import cli, guarded
from hybrid.document import Location
from hybrid.engines.planned import Planned
from hybrid.errors import EngineError, InputError, SettingsError
from hybrid.index.embedding import Embedder
from hybrid.routing.features import FEATURES, MEANS
from hybrid.routing.policies.calibrated import Calibrated
from hybrid.routing.policies.make import make_policy
from hybrid.routing.situation import Reading
from hybrid.routing.weights import Weights, carried
from hybrid.session.hybrid import Hybrid
from hybrid.settings import EmbedderSettings, RoutingSettings, Settings
from hybrid.types import Candidate, Passage
from tests.routing.situations import AVERAGE, COMPARES, UNSAID, settled, situation
from tests.session.doubles import Model


def test_needs_are_chances_and_follow_the_question():
    for features in (AVERAGE, COMPARES, UNSAID):
        needs = carried().needed(features)
        assert sum(needs.values()) == pytest.approx(1)
    assert carried().needed(COMPARES)["comparison"] > carried().needed(AVERAGE)["comparison"]
    assert carried().needed(UNSAID)["unanswerable"] > carried().needed(AVERAGE)["unanswerable"]
    assert carried().needed({**AVERAGE, "kind_summary": 1.0})["comparison"] == 1


def test_what_is_expected_of_a_route_is_what_is_expected_of_its_two_cases():
    for features in (AVERAGE, COMPARES, UNSAID):
        e = carried().expected(features)
        assert e.rag == pytest.approx((1 - e.abstains) * e.rag_answered + e.abstains * e.silent_abstained)
        assert e.long == pytest.approx((1 - e.abstains) * e.long_answered + e.abstains * e.long_abstained)
        assert all(0 <= p <= 1 for p in (e.rag, e.long, e.abstains))


def test_far_off_features_count_no_more_than_three_deviations():
    assert carried().expected({**AVERAGE, "digits": 1e9}) == carried().expected({**AVERAGE, "digits": 1e6})


def test_the_default_knows_no_model():
    assert carried().engine == ""
    assert carried().card["questions"] == 943
    assert not {"qwen", "llama", "mistral"} & set(json.dumps(carried().card).lower().replace("-", " ").split())


def test_the_whole_is_read_where_it_is_worth_it():
    assert Calibrated(settled(0.5, 0.9)).decide(situation(AVERAGE)).rung == "corpus"
    assert Calibrated(settled(0.5, 0.9)).decide(situation(AVERAGE, dollars=1.0)).rung == "passages"
    assert Calibrated(settled(0.9, 0.5)).decide(situation(AVERAGE)).rung == "passages"


def test_a_tie_goes_to_the_cheaper_way():
    assert Calibrated(settled(0.6, 0.605), prefer="accuracy").decide(situation(AVERAGE)).rung == "passages"
    cached = situation(AVERAGE, dollars=0.0001)  # the document is in the cache, and cheaper than passages
    assert Calibrated(settled(0.6, 0.6)).decide(cached).rung == "corpus"


def test_what_is_preferred_moves_the_price():
    policies = [
        Calibrated(settled(0.6, 0.66), prefer=p).decide(situation(AVERAGE, 0.01)).rung for p in ("cost", "accuracy")
    ]
    assert policies == ["passages", "corpus"]
    assert Calibrated(settled(0.6, 0.66), prefer="cost", accuracy_price=5).decide(situation(AVERAGE)).rung == "corpus"


def test_a_corpus_no_longer_than_its_passages_is_read():
    assert Calibrated(settled(0.9, 0.1)).decide(situation(AVERAGE, corpus=1_000)).rung == "corpus"


def test_a_decision_says_what_it_expects_and_what_moved_it():
    decision = Calibrated().decide(situation(COMPARES))
    assert set(decision.expected) == {"passages", "corpus"}
    assert decision.features == COMPARES
    assert "Expected to be right: passages" in decision.reason
    assert set(MEANS) >= set(FEATURES)
    assert sum(words in decision.reason for words in MEANS.values()) >= 2


def test_decisions_are_pure():
    assert Calibrated().decide(situation(COMPARES)) == Calibrated().decide(situation(COMPARES))


def test_what_it_goes_by_is_missing_and_self_route_decides():
    place = Location(0, 1, 1, 1, None)
    found = tuple(Candidate(Passage(i, "d", i, "t", 0, 1, place, "", 1), 1 - i / 9, None, 3.0) for i in range(3))
    remote = replace(situation(AVERAGE), candidates=found)
    for one, why in ((situation({}), "Nothing is known of the question"), (remote, "how near they are in meaning")):
        policy = Calibrated()
        decision = policy.decide(one)
        assert (decision.rung, decision.policy, decision.expected) == ("passages", "calibrated", {})
        assert why in decision.reason
        assert "so the policy 'self_route' decides" in decision.reason
        assert policy.reconsider(one, decision) is None
        again = policy.review(one, decision)
        assert again is not None
        assert (again.rung, again.policy) == ("corpus", "calibrated")
        assert policy.review(one, again) is None
        assert Calibrated(budget=0.001).review(one, decision) is None  # both attempts take more
        with pytest.raises(InputError, match="No way of reading is within the limits"):
            Calibrated(budget=0.0001).decide(one)
    near = replace(remote, candidates=tuple(replace(c, dense=0.5) for c in found))
    assert Calibrated().decide(near).expected


def test_some_missing_features_are_named():
    partial = {name: value for name, value in AVERAGE.items() if name != "covered"}
    with pytest.raises(InputError, match=r"'covered' is missing.*rag, long, fits or self_route"):
        Calibrated().decide(situation(partial))


def test_a_budget_and_a_latency_are_kept():
    weights = settled(0.5, 0.9)
    assert Calibrated(weights, budget=0.001).decide(situation(AVERAGE)).rung == "passages"
    assert Calibrated(weights, latency=2.0).decide(situation(AVERAGE)).rung == "passages"  # 2 x 2 s
    assert Calibrated(weights, latency=2.0, gpus=4).decide(situation(AVERAGE)).rung == "corpus"


def test_a_budget_that_nothing_fits_is_refused_with_the_least_it_takes():
    with pytest.raises(InputError, match=r"the cheapest takes an expected \$0\.0005.*routing\.budget"):
        Calibrated(budget=0.0001).decide(situation(AVERAGE))
    with pytest.raises(InputError, match=r"routing\.budget' is 0"):
        Calibrated(budget=0)


def test_what_an_engine_keeps_of_its_score_lowers_what_is_expected_of_a_route():
    features = AVERAGE
    plain = carried().expected(features)
    halved = carried().expected(features, {"long": 0.5, "again": 0.5})
    assert halved.rag == plain.rag
    assert halved.long < plain.long
    lost = carried().expected(features, {"long": 0.0, "again": 0.0, "rag": 0.0})
    assert 0 < lost.long < plain.needs["unanswerable"]  # what is not there is not overlooked
    assert halved.long == pytest.approx((plain.long + lost.long) / 2)
    assert carried().expected(features, {"rag": 0.5}).rag < plain.rag


def test_a_blind_engine_turns_the_decision_and_says_so():
    weights, here = settled(0.5, 0.9), situation(AVERAGE)
    assert Calibrated(weights).decide(here).rung == "corpus"
    blind = replace(here, readings={"corpus": Reading(4096, 2048, (1.0, 0.1, 1.0), kept=0.5)})
    decision = Calibrated(weights).decide(blind)
    assert decision.rung == "passages"
    assert decision.expected["corpus"] == pytest.approx(0.45, abs=1e-3)
    assert "the engine keeps 50% of its best score" in decision.reason
    assert "keeps" not in Calibrated(weights).decide(here).reason


def test_after_silence_the_whole_is_read_only_where_there_is_likely_an_answer():
    there = Calibrated(settled(0.6, 0.6, abstains=0.3, again=0.5))
    tried = there.decide(situation(AVERAGE))
    assert tried.rung == "passages"
    again = there.review(situation(AVERAGE), tried)
    assert again is not None
    assert (again.rung, again.route) == ("corpus", "long")
    assert there.review(situation(AVERAGE), again) is None
    unsaid = Calibrated().decide(situation(UNSAID))
    assert Calibrated().review(situation(UNSAID), unsaid) is None


def test_where_the_whole_is_not_allowed_more_around_the_passages_is_read():
    tight = Calibrated(settled(0.6, 0.6, abstains=0.3, again=0.5), budget=0.0015)
    tried = tight.decide(situation(AVERAGE))
    again = tight.review(situation(AVERAGE), tried)
    assert again is not None
    assert again.rung == "sections"
    assert tight.review(situation(AVERAGE), again) is None


def test_an_answer_is_doubted_where_the_whole_is_worth_it_and_accepted_elsewhere():
    doubts = Calibrated(settled(0.4, 0.9, abstains=0.5, again=0.0))
    tried = doubts.decide(situation(AVERAGE)).model_copy(update={"route": "rag", "rung": "passages"})
    again = doubts.reconsider(situation(AVERAGE), tried)
    assert again is not None
    assert again.route == "long"
    assert "doubted" in again.reason
    assert doubts.reconsider(situation(AVERAGE), again) is None
    assert Calibrated(settled(0.9, 0.9)).reconsider(situation(AVERAGE), tried) is None


def test_route_decides_without_an_engine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lease.txt").write_text("The rent is 1,200 dollars a month. " * 200)
    asked = ["route", "How high is the rent?", "lease.txt", "--index", str(tmp_path / "index")]
    found = CliRunner().invoke(cli, [*asked, "--model", "qwen3-8b", "--gpu", "h100", "--json"])
    assert found.exit_code == 0, found.output
    decision = json.loads(found.output)
    assert decision["policy"] == "calibrated"
    assert tuple(decision["features"]) == FEATURES
    assert set(decision["expected"]) == {"passages", "corpus"}
    assert {p["engine"] for p in decision["predictions"]} == {"qwen3-8b"}
    assert "qwen3-8b on h100" in decision["predictions"][0]["cost"]["note"]
    shown = CliRunner().invoke(cli, [*asked, "--model", "qwen3-8b"])
    assert "expected right" in shown.output
    quoted = CliRunner().invoke(cli, asked)
    assert "The answers come from an engine that quotes" in quoted.output


@pytest.mark.parametrize(
    ("option", "message"),
    [(["--gpu", "abacus"], "'abacus', which is neither known nor"), (["--model", "no"], "no model 'no'")],
)
def test_a_model_or_a_gpu_that_nobody_knows_is_one_sentence(option, message, tmp_path, capsys):
    (tmp_path / "lease.txt").write_text("The rent is 1,200 dollars a month. " * 200)
    assert guarded(cli, ["route", "How high is the rent?", str(tmp_path), *option]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1


def test_a_model_that_is_only_planned_is_not_asked():
    engine = Planned("qwen3-8b", Embedder(EmbedderSettings()))
    assert engine.window == 40_960
    with (
        Hybrid(Settings(), engine=engine) as hybrid,
        pytest.raises(EngineError, match="only planned for: serve it with"),
    ):
        hybrid.answer("What is the rent of unit 2?", TEXTS)


TEXTS = {f"lease {i}": f"Lease {i}. The rent of unit {i} is {i}00 dollars a month. " * 200 for i in range(1, 5)}


def opened(weights: Weights, *replies: str, **limits: float) -> tuple[Hybrid, Model]:
    model = Model(*replies)
    return Hybrid(Settings(), engine=model, policy=Calibrated(weights, **limits)), model


def test_a_doubted_answer_is_not_streamed_and_both_attempts_are_charged():
    # passages are cheap enough to begin with as they are likely to be silent; where they speak, they are mistrusted
    hybrid, model = opened(settled(0.1, 0.9, abstains=0.9, again=0.0), "From passages.", "From the whole.")
    with hybrid:
        shown: list[str] = []
        found = hybrid.answer("What is the rent of unit 2?", TEXTS, on_text=shown.append)
    assert [a.decision.route for a in found.attempts] == ["rag", "long"]
    assert "doubted" in found.reason
    assert ("".join(shown), found.text) == ("From the whole.", "From the whole.")
    assert found.usage.calls == len(model.prompts) == 2
    assert tuple(found.decision.features) == FEATURES


def test_silence_is_believed_where_there_is_likely_no_answer():
    hybrid, model = opened(settled(0.9, 0.1, abstains=0.5, again=0.0), "NOT IN THE DOCUMENTS")
    with hybrid:
        found = hybrid.answer("What is the rent of unit 9?", TEXTS)
    assert found.abstained
    assert len(model.prompts) == 1


def test_a_batch_keeps_to_its_budget():
    hybrid, _ = opened(settled(0.2, 0.9), "100 dollars.", accuracy_price=10.0)
    with hybrid:
        questions = [f"What is the rent of unit {i}?" for i in range(1, 5)]
        passages, whole = (
            next(p for p in hybrid.decide(questions[0], TEXTS).predictions if p.rung == rung).cost.dollars or 0.0
            for rung in ("passages", "corpus")
        )
        routing = RoutingSettings(batch_budget=4 * passages + 0.01 * (whole - passages))
        hybrid.settings = hybrid.settings.model_copy(update={"routing": routing})
        found = hybrid.answer_many(questions, TEXTS)
    assert {answer.route for answer in found} == {"rag"}


def test_the_share_without_an_answer_moves_what_is_expected():
    base = carried()
    assert base.at_share(0.25).needs == pytest.approx(base.needs)
    rare, often = base.at_share(0.05), base.at_share(0.6)
    chances = [weights.needed(COMPARES)["unanswerable"] for weights in (rare, base, often)]
    assert chances == sorted(chances)
    assert chances[0] < chances[1] < chances[2]
    odds = [chance / (1 - chance) for chance in chances]
    assert odds[1] / odds[0] == pytest.approx((0.25 / 0.75) / (0.05 / 0.95), rel=1e-6)
    assert make_policy(RoutingSettings(unanswerable=0.05)).weights.needs == rare.needs
    with pytest.raises(SettingsError, match="do not tell which share"):
        replace(base, card={}).at_share(0.1)


def test_where_the_engine_quotes_self_route_decides_before_and_after_passages():
    """The weights are of models' replies: what an engine that quotes makes of a question they cannot tell."""
    policy = Calibrated(settled(0.2, 0.9, abstains=0.5, again=0.1))
    of_model = situation(AVERAGE)
    quoted = replace(of_model, quoting=True)
    assert policy.decide(of_model).rung == "corpus"
    tried = policy.decide(quoted)
    assert (tried.rung, tried.policy, tried.expected) == ("passages", "calibrated", {})
    assert "an engine that quotes" in tried.reason
    assert "so the policy 'self_route' decides" in tried.reason
    assert tried.reason.count(".") == 1
    assert policy.reconsider(of_model, tried) is not None
    assert policy.reconsider(quoted, tried) is None
    again = policy.review(quoted, tried)
    assert again is not None
    assert (again.route, again.policy) == ("long", "calibrated")
    assert Calibrated(settled(0.2, 0.9), budget=0.001).review(quoted, tried) is None


def test_the_default_engine_is_routed_by_self_route_unless_the_user_says_otherwise():
    with Hybrid(Settings()) as hybrid:
        store, asked = hybrid.open(TEXTS), "What is the rent of unit 2?"
        assert "so the policy 'self_route' decides" in hybrid.decide(asked, store).reason
        assert hybrid.decide(asked, store, route="long").reason.startswith("You asked for the route long")
        own = {answer.route for answer in hybrid.answer_many([asked, "What is the rent of unit 3?"], store)}
        hybrid.policy = make_policy(RoutingSettings(policy="self_route"))
        assert own == {answer.route for answer in hybrid.answer_many([asked, "What is the rent of unit 3?"], store)}
