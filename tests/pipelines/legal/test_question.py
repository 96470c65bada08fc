"""Questions: the categories of CUAD, and a user's own."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hybrid.pipelines.legal.question import Meanings, Question, cuad, named, questions_in, recognised

from hybrid.errors import InputError
from hybrid.index.embedding import Embedder
from hybrid.settings import EmbedderSettings


class TestQuestions:
    def test_the_categories_of_cuad(self) -> None:
        assert len(cuad()) == 41 == len({q.name for q in cuad()})
        assert all(q.ask.endswith("?") and q.cues for q in cuad())

    def test_own_questions(self, tmp_path: Path) -> None:
        (tmp_path / "q.txt").write_text("# a comment\nWho pays?\n\nWhen?\n")
        assert [q.ask for q in questions_in(tmp_path / "q.txt")] == ["Who pays?", "When?"]
        (tmp_path / "q.toml").write_text('[[question]]\nask = "Who pays?"\ncues = ["pay"]\n')
        assert questions_in(tmp_path / "q.toml")[0].cues == ("pay",)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("", "no question in"),
            ("[[question]\n", "not valid TOML"),
            ('[[question]]\nasked = "x"\n', "have to be tables"),
            ("question = 5\n", "have to be tables"),
        ],
    )
    def test_wrong_files_are_sentences(self, tmp_path: Path, content: str, said: str) -> None:
        (tmp_path / "q.toml").write_text(content)
        with pytest.raises(InputError, match=said):
            questions_in(tmp_path / "q.toml")
        with pytest.raises(InputError, match="No such file"):
            questions_in(tmp_path / "gone.txt")

    def test_an_unknown_name_lists_the_known(self) -> None:
        with pytest.raises(InputError, match="There is no question 'Weather'; choose from: Document Name"):
            named(cuad(), ["Weather"])


@pytest.mark.parametrize(
    ("asked", "category"),
    [
        ('Which parts are related to "Governing Law"?', "Governing Law"),
        ("What does it say about governing law?", "Governing Law"),
        ("Which parts are related to “Parties”?", "Parties"),
        (
            'What is related to "Irrevocable Or Perpetual License"? Is there a license grant that is perpetual?',
            "Irrevocable Or Perpetual License",
        ),
        ("Is the liability of the parties limited?", ""),
        ("When does the agreement end?", ""),
    ],
)
def test_a_question_that_names_a_category_is_asked_as_it(asked: str, category: str) -> None:
    assert recognised(asked).name == category
    assert (recognised(asked).ask == asked) == (not category)


@pytest.mark.parametrize(("half", "right", "wrong", "beside"), [("chosen", 26, 6, 1), ("held", 19, 7, 4)])
def test_a_question_in_other_words_is_asked_as_its_category(
    embedder: Embedder, half: str, right: int, wrong: int, beside: int
) -> None:
    asked = tomllib.loads((Path(__file__).parent / "asked.toml").read_text("utf-8"))[half]
    meanings, categories = Meanings(embedder), asked["categories"]
    found = {question: meanings.of(question).name for question in categories}
    assert sum(found[q] == categories[q] for q in found) >= right
    assert sum(found[q] not in ("", categories[q]) for q in found) <= wrong
    assert sum(bool(meanings.of(q).name) for q in asked["other"]) <= beside


def test_with_another_embedder_no_meaning_is_guessed() -> None:
    other = Embedder(EmbedderSettings(model="another"))  # is never loaded
    assert Meanings(other).of("When does the contract run out?") == Question(ask="When does the contract run out?")
