"""Inputs from public bug reports of this field, with what is right, where they lie beside the checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from hybrid import Answer, Hybrid
from hybrid.cli.main import cli, guarded
from hybrid.cli.plan import plan as plan_command
from hybrid.corpus.readers.read import read
from hybrid.settings import EmbedderSettings, Settings, load
from tests.conftest import free_port

CASES = Path(__file__).parents[2] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"the cases are not in {CASES}")
FLOAT32 = EmbedderSettings(precision="float32")


@pytest.fixture(scope="module")
def hybrid() -> Iterator[Hybrid]:
    with Hybrid(Settings(embedder=FLOAT32)) as made:
        yield made


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """A copy that may be written beside."""
    return shutil.copytree(CASES, tmp_path / "cases", symlinks=True)


def told(answer: Answer) -> str:
    return " ".join(answer.text.split())


# folder/file, question, what the answer must hold, and what it must not
QUESTIONS = [
    ("01-docx-tracked-move/moved.docx", "How many days of notice must be given to terminate?", "ninety days", "thirty"),
    ("03-html-rowspan/staff.html", "How many staff did the South region have in Q2?", "81", "124"),
    ("04-docx-equation/equation.docx", "What is the maximum load of the bridge?", "42 tonnes", ""),
    ("04-docx-equation/equation.docx", "How is the settlement fee F computed?", "1200", ""),
    ("05-docx-textbox/textbox.docx", "What do visitors have to wear?", "a helmet and register at the gate", "helmetE"),
    ("06-pdf-form/form.pdf", "What is the insurance policy number?", "KV-883120", ""),
    ("06-pdf-form/form.pdf", "What is the name of the vessel?", "Marguerite Blue", ""),
    ("07-pdf-hyphenation/hyphen.pdf", "How high is the cancellation charge?", "340 euros", ""),
    ("07-pdf-hyphenation/hyphen.pdf", "How much is the security deposit?", "The security deposit of 800 euros", ""),
    ("08-pdf-ligature/ligature.pdf", "What is the official float limit?", "2.5 million euros", ""),
    ("08-pdf-ligature/ligature.pdf", "When is the efficiency bonus of the staff paid?", "June", ""),
    (
        "09-pdf-running-footer/running.pdf",
        "What is the daily charge for a boat at the outer wall?",
        "27 euros from May to September and 14 euros in the other months",
        "",
    ),
    ("11-csv-rows/wide.csv", "What was the pressure at ST007?", "375", "ST003"),
    ("11-csv-rows/wide.csv", "What is the ozone at station ST214?", "281", "ST213"),
    ("11-csv-rows/semi_latin1.csv", "How many employees (Mitarbeiter) does the Göttingen branch have?", "23", "Köln"),
    ("13-eml/mail.eml", "Quel jour la livraison est-elle reportée?", "17 février", "=C3"),
    ("13-eml/mail64.eml", "What is the parcel number?", "ZX-4471", ""),
    ("25-part-codes/parts.md", "How much does part AX-4418-B cost?", "11.00", "AX-4418-A"),
    ("25-part-codes/parts.md", "How many days does delivery of BX-4436-A take?", "19 days", ""),
    ("25-part-codes/stock.md", "In which bin is AX-4418-B?", "L31", "L90"),
    ("26-superscript/super.pdf", "How many litres does the reservoir hold?", "4.2 x 10^9", ""),
    ("26-superscript/reactor.html", "How many litres of coolant does the reactor hold?", "3 x 10^6", ""),
    ("27-encodings/orders_cp932.csv", "What is the status of order 1200?", "東京支店 返品待ち", ""),
    ("27-encodings/notes_gb18030.md", "电话分机号是多少?", "7714", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "question", "gold", "other"), QUESTIONS, ids=[f"{q[0][:2]} {q[1]}" for q in QUESTIONS]
)
def test_a_question(hybrid: Hybrid, file: str, question: str, gold: str, other: str) -> None:
    answer = hybrid.answer(question, CASES / file)
    assert gold in told(answer)
    assert not other or other not in told(answer)


def test_a_deleted_row_is_gone(hybrid: Hybrid) -> None:
    assert "45" not in told(
        hybrid.answer("What is the fee for night mooring?", CASES / "01-docx-tracked-move/delrow.docx")
    )


def test_an_empty_cell_is_not_the_next_one(hybrid: Hybrid) -> None:
    answer = told(hybrid.answer("When is Aldgrove open on Monday?", CASES / "03-html-rowspan/staff.html"))
    assert "Monday: 09:00" not in answer
    assert "07:30" not in answer
    assert "09:00" not in answer or "Tuesday: 09:00" in answer


def test_what_is_not_read_is_named(
    cases: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cases / "12-silent-drop")
    settings = load("small.toml")
    for _ in range(2):  # in the first answer, and from the index that it left
        with Hybrid(settings) as hybrid:
            notes = " ".join(hybrid.answer("How much is the dredging budget?", "folder").notes)
            assert "minutes.txt" in notes
    assert guarded(cli, ["index", "show", "--config", "small.toml", "--json", "folder"]) == 0
    shown = json.loads(capsys.readouterr().out)
    unread, indexed = ({one["name"] for one in shown[key]} for key in ("unreadable", "documents"))
    assert unread | indexed == {f.name for f in Path("folder").iterdir()}  # the one or the other: none is passed over
    assert "minutes.txt" in unread


def test_pages_of_llama_index(hybrid: Hybrid) -> None:
    from llama_index.core.schema import Document
    from pypdf import PdfReader

    file = CASES / "22-llamaindex-pages" / "labels.pdf"
    reader = PdfReader(file)
    texts, labels = [page.extract_text() for page in reader.pages], reader.page_labels

    def page(i: int, label: str) -> Document:
        return Document(text=texts[i], metadata={"file_name": file.name, "file_path": str(file), "page_label": label})

    for given in (
        [page(i, label) for i, label in enumerate(labels)],
        [page(i, str(i + 1)) for i in range(5)],
        [page(i, str(i + 1)) for i in (2, 3, 4)],
        [page(3, "4")],
    ):
        answer = hybrid.answer("How much does the reserve tank hold?", given)
        assert [citation.page for citation in answer.citations] == [4]
        assert "#page=2" not in answer.citations[0].where


def scripted(name: str) -> list[tuple[str, str]]:
    file = CASES / name / "replies.json"
    return [(name, reply) for reply in json.loads(file.read_text("utf-8"))] if file.is_file() else []


@pytest.mark.parametrize(
    ("case", "name"),
    [*scripted("15-think-block"), *scripted("16-marker-subscript"), *scripted("23-usage-accounting")],
)
def test_a_reply_of_a_model(case: str, name: str, cases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(cases / case)
    script = json.loads(Path("replies.json").read_text("utf-8"))[name]
    Path("reply.json").write_text(json.dumps(script), "utf-8")
    port = free_port()
    server = subprocess.Popen([sys.executable, "fake.py", str(port), "reply.json"])
    try:
        url = f"http://127.0.0.1:{port}/v1"
        for _ in range(100):
            try:
                with urlopen(f"{url}/models"):
                    break
            except OSError:
                time.sleep(0.1)
        prices = {
            "dollars_per_million_prompt": 1.0,
            "dollars_per_million_output": 10.0,
            "dollars_per_million_cached": 0.1,
        }
        overrides = {"engine": {"url": url}, "cost": prices, "embedder": {"precision": "float32"}}
        with Hybrid(load(overrides=overrides)) as hybrid:
            answer = hybrid.answer(script["question"], script["path"])
    finally:
        server.terminate()
        server.wait()
    expected = {
        "think": "Dogs are not allowed in the rooms. [1]",
        "think_close_only": "Dogs are not allowed in the rooms. [1]",
        "reasoning_field": "Dogs are not allowed in the rooms. [1]",
        "argv": "The input file is named by argv[1] and the output file by argv[2]. [1]",
        "wide": "The first argument names the input file. [1] Without arguments it prints help. [2]",
        "range": "Without arguments it prints help. [1]",
        "running": "Dogs are not allowed in the rooms. [1]",
        "cached": "Dogs are not allowed in the rooms. [1]",
        "reasoning": "Dogs are not allowed in the rooms. [1]",
    }
    if name == "think_abstain":
        assert answer.abstained
        assert "<think>" not in answer.text
        assert not answer.citations
    elif name == "wide":
        assert "【" not in answer.text
        assert "[text" not in answer.text
        assert answer.text.startswith("The first argument names the input file. [1] Without arguments it prints help.")
    else:
        assert answer.text == expected[name]
    if case == "23-usage-accounting":
        spent = {"running": (0, 9, 0.00029), "cached": (192, 9, 0.0001172), "reasoning": (0, 60, 0.0008)}[name]
        assert (answer.usage.cached_tokens, answer.usage.output_tokens) == spent[:2]
        assert answer.cost.dollars == pytest.approx(spent[2])


def planned(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert guarded(plan_command, [*arguments, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_the_override_reaches_the_language_model(capsys: pytest.CaptureFixture[str]) -> None:
    found = planned(capsys, str(CASES / "17-plan-vl-override" / "model"), "-c", "128k")
    inner = found["extension"]["overrides"]["text_config"]  # type: ignore[index]
    assert inner["max_position_embeddings"] == 131_072
    assert inner["rope_parameters"]["rope_type"] == "yarn"
    assert inner["rope_parameters"]["mrope_section"] == [16, 24, 24]


@pytest.mark.parametrize("name", ["gemma-flat", "gemma-sparse"])
def test_the_window_of_gemma_3_is_scaled_already(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = planned(capsys, str(CASES / "18-plan-gemma3" / name), "-c", "64k")
    assert found["extension"]["native"] == 131_072  # type: ignore[index]


@pytest.mark.parametrize(("name", "low", "high"), [("awq", 36e9, 42e9), ("fp8", 72e9, 76e9)])
def test_quantized_weights(name: str, low: float, high: float, capsys: pytest.CaptureFixture[str]) -> None:
    found = planned(capsys, str(CASES / "19-plan-quantized" / name), "-c", "32k", "--gpu", "h100")
    assert low < found["weight_bytes"] < high  # type: ignore[operator]


def test_nodes_without_the_key_stay(tmp_path: Path) -> None:
    from llama_index.core.schema import TextNode
    from llama_index.core.vector_stores.types import FilterOperator, MetadataFilter, MetadataFilters

    from hybrid.integrations.vector_store import HybridVectorStore

    nodes = [
        TextNode(id_="n1", text="red pump", metadata={"colour": "red"}, embedding=[1, 0, 0]),
        TextNode(id_="n2", text="blue pump", metadata={"colour": "blue"}, embedding=[0, 1, 0]),
        TextNode(id_="n3", text="plain pump", metadata={}, embedding=[0, 0, 1]),
    ]
    store = HybridVectorStore(str(tmp_path / "v.db"))
    store.add(nodes)
    store.add(nodes)
    assert len(store) == 3
    wanted = MetadataFilters(filters=[MetadataFilter(key="colour", operator=FilterOperator.NE, value="red")])
    assert sorted(node.node_id for node in store.get_nodes(filters=wanted)) == ["n2", "n3"]
    store.close()


def test_encodings_of_whole_files() -> None:
    for file in ("orders_cp932.csv", "notes_gb18030.md"):
        text = read(file, (CASES / "27-encodings" / file).read_bytes()).text
        assert "\ufffd" not in text
