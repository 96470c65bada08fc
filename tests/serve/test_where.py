"""Filters over the wire: `where` in every request and tool, and OpenAI's filters, over every kind of corpus."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.serve.conftest import Running, running

mcp = pytest.importorskip("mcp", reason="the service needs hybrid-context[serve]")

TEXTS = {
    "a.md": "---\nyear: 2023\ntenant: Ada O'Hara\n---\n\nThe lease of the mill ends in 2040.\n",
    "b.md": "---\ndate: 2024-05-01\ntenant: Bo\n---\n\nThe lease of the farm ends in 2050.\n",
    "c.txt": "The lease of the barn ends in 2060.\n",
}
FIELDS = {"c.txt": {"year": 2025, "draft": True, "tenant": "Cy; DROP TABLE documents"}}
QUESTION = "When does the lease end?"
ASKED: dict[str, Any] = {"model": "leases", "messages": [{"role": "user", "content": QUESTION}]}
WRONG = {
    "": "The filter is empty",
    "year >=": "cannot be read",
    "nobody == 1": "No document has a field 'nobody'; there are: ",
    "year == 1; DROP TABLE documents": "cannot be read",
    "__import__('os').system('true')": "cannot hold",
    "year == (SELECT 1)": "cannot be read",
    "path >= '/'": "cannot ask for 'path'",
    "not " * 900 + "draft": "nested more than 16 deep",
    "draft or " * 500 + "draft": "4,000 are the most",
    'document == "\' OR 1 = 1 --"': "No document passes",
    "tenant == 'Cy''; DROP'": "No document passes",
}


def one(type_: str, key: str, value: Any) -> dict[str, Any]:
    return {"type": type_, "key": key, "value": value}


def nested(depth: int) -> dict[str, Any]:
    found = one("eq", "year", 2023)
    for _ in range(depth):
        found = {"type": "and", "filters": [found]}
    return found


WRONG_OBJECTS = {
    "needs a list of values": one("in", "year", 2023),
    "needs a 'value'": one("eq", "year", None),
    "needs a 'key'": one("eq", "", 1),
    "joins no 'filters'": {"type": "or", "filters": []},
    "nested more than 16 deep": nested(40),
    "does not fit": nested(300),
    "has 1,001 comparisons; 1,000 are the most": {"type": "or", "filters": [one("eq", "year", 1)] * 1001},
    "has 1,001 values; 1,000 are the most": one("in", "year", [1] * 1001),
    "cannot ask for 'path'": one("gte", "path", "/"),
    "No document passes the filter; there are 3": one("eq", "x') OR (1 = 1", "y' OR '1' = '1"),
}


@pytest.fixture(scope="module", params=["sqlite", "lance"])
def leases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service over files, some of whose fields stand in them, others in a file beside them."""
    if request.param == "lance":
        pytest.importorskip("lance", reason="pylance is missing")
    home = tmp_path_factory.mktemp("leases")
    (home / "leases").mkdir()
    for name, text in TEXTS.items():
        (home / "leases" / name).write_text(text, "utf-8")
    (home / "fields.json").write_text(json.dumps(FIELDS))
    (home / "hybrid.toml").write_text(f'[corpus]\nmetadata = "fields.json"\n[index]\nstore = "{request.param}"\n')
    with running(home, "leases") as found:
        yield found


@pytest.mark.parametrize(
    ("where", "years"),
    [
        ("year >= 2024 and not draft", ["2050"]),
        ('tenant == "Ada O\'Hara"', ["2040"]),
        ("kind == 'markdown' and year != 2023", ["2050"]),
        ("tenant in ('Cy; DROP TABLE documents',) and draft", ["2060"]),
        ("document == 'a.md' or 'DROP' in tenant", ["2040", "2060"]),
    ],
)
def test_chat_completions_read_only_what_passes(leases: Running, where: str, years: list[str]) -> None:
    create = leases.client.chat.completions.create
    reply = create(**ASKED, extra_body={"where": where, "rung": "corpus"})
    read = {stretch["document"] for stretch in (reply.model_extra or {})["hybrid"]["read"]}
    assert read == {name for name, text in TEXTS.items() if any(year in text for year in years)}
    said = "".join(
        chunk.choices[0].delta.content or ""
        for chunk in create(**ASKED, stream=True, extra_body={"where": where})
        if chunk.choices
    )
    assert any(year in said for year in years)


@pytest.mark.parametrize("where", WRONG)
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_no_filter_is_one_sentence(leases: Running, where: str, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        leases.client.chat.completions.create(**ASKED, stream=stream, extra_body={"where": where})
    assert WRONG[where] in str(caught.value)
    for path, body in (
        ("/v1/responses", {"model": "leases", "input": QUESTION, "stream": stream}),
        ("/v1/route", {"model": "leases", "question": QUESTION}),
        ("/v1/corpora/leases/search", {"query": QUESTION}),
        ("/v1/vector_stores/leases/search", {"query": QUESTION}),
    ):
        reply = leases.post(path, json={**body, "where": where})
        assert reply.status_code == 400
        assert WRONG[where] in reply.json()["error"]["message"]
        assert "\n" not in reply.json()["error"]["message"]
    assert leases.get("/v1/corpora/leases/documents", params={"where": where}).status_code == 400


@pytest.mark.parametrize("words", WRONG_OBJECTS)
def test_what_is_no_filter_of_openais_is_one_sentence(leases: Running, words: str) -> None:
    tool = {"type": "file_search", "vector_store_ids": ["leases"], "filters": WRONG_OBJECTS[words]}
    for path, body in (
        ("/v1/responses", {"model": "leases", "input": QUESTION, "tools": [tool]}),
        ("/v1/responses", {"model": "leases", "input": QUESTION, "tools": [tool], "stream": True}),
        ("/v1/vector_stores/leases/search", {"query": QUESTION, "filters": WRONG_OBJECTS[words]}),
    ):
        reply = leases.post(path, json=body)
        assert reply.status_code == 400
        assert words in reply.json()["error"]["message"]


def test_many_comparisons_are_no_burden(leases: Running) -> None:
    far = [one("in", "year", list(range(3000, 4000))), one("eq", "year", 2023)]
    wide = {"type": "or", "filters": [*far, *(one("eq", f"f{number}", number) for number in range(998))]}
    found = leases.client.vector_stores.search("leases", query=QUESTION, filters=wide)  # type: ignore[arg-type]
    assert [hit.filename for hit in found] == ["a.md"]
    where = " or ".join(["year == 2023", *(f"year == {year}" for year in range(3000, 3200))])
    reply = leases.post("/v1/corpora/leases/search", json={"query": QUESTION, "where": where})
    assert [hit["filename"] for hit in reply.json()["data"]] == ["a.md"]


def test_responses_take_both_forms_and_documents_have_to_pass_both(leases: Running) -> None:
    asked: dict[str, Any] = {"model": "leases", "input": QUESTION, "include": ["file_search_call.results"]}
    tool = {"type": "file_search", "vector_store_ids": ["leases"], "filters": one("gte", "year", 2024)}
    create = leases.client.responses.create
    found = create(**asked, tools=[tool])
    assert {hit.filename for hit in found.output[0].results} == {"b.md", "c.txt"}
    found = create(**asked, tools=[tool], extra_body={"where": "draft"})
    (hit,) = found.output[0].results
    assert hit.attributes == {"year": 2025, "draft": True, "tenant": "Cy; DROP TABLE documents"}
    assert "2060" in found.output_text
    with pytest.raises(openai.BadRequestError, match="None of the documents that were chosen passes"):
        create(**asked, tools=[tool], extra_body={"where": "year == 2023"})
    with leases.client.responses.stream(**asked, extra_body={"where": "year == 2023"}) as stream:
        assert "2040" in stream.get_final_response().output_text


def test_a_search_a_list_and_a_decision_take_filters(leases: Running) -> None:
    found = leases.client.vector_stores.search("leases", query=QUESTION, filters=one("eq", "filename", "b.md"))  # type: ignore[arg-type]
    assert [(hit.filename, hit.attributes) for hit in found] == [
        ("b.md", {"date": "2024-05-01", "year": 2024, "tenant": "Bo"})
    ]
    told = leases.post("/v1/corpora/leases/search", json={"query": QUESTION, "where": "year < 2025"}).json()
    assert {hit["filename"] for hit in told["data"]} == {"a.md", "b.md"}
    listed = leases.get("/v1/corpora/leases/documents", params={"where": "draft"}).json()["data"]
    assert [(row["name"], row["fields"]) for row in listed] == [("c.txt", FIELDS["c.txt"])]
    asked = {"model": "leases", "question": QUESTION}
    everything = leases.post("/v1/route", json=asked).json()
    chosen = leases.post("/v1/route", json={**asked, "where": "year == 2023"}).json()
    tokens = [
        {way["rung"]: way["prompt_tokens"] for way in told["predictions"]}["corpus"] for told in (everything, chosen)
    ]
    assert 0 < 2 * tokens[1] < tokens[0]


def test_uploads_are_filtered_by_attributes_and_by_fields(leases: Running) -> None:
    client = leases.client
    store = client.vector_stores.create(name="uploads")
    for name, year in (("x.md", 1), ("y.md", 2)):
        text = f"---\nowner: {name[0]}\n---\n\nThe gate code of {name} is {year}{year}{year}{year}."
        file = client.files.create(file=(name, text.encode()), purpose="assistants")
        client.vector_stores.files.create(store.id, file_id=file.id, attributes={"year": year, "no-word": "z"})
    for where in ("year == 2", "owner == 'y'", "filename == 'y.md'", "'y' in document and year > 1"):
        reply = client.chat.completions.create(
            model=store.id,
            messages=[{"role": "user", "content": "What is the gate code?"}],
            extra_body={"where": where},
        )
        assert "2222" in (reply.choices[0].message.content or "")
    hits = client.vector_stores.search(
        store.id,
        query="code",
        filters={"type": "and", "filters": [one("eq", "no-word", "z"), one("eq", "owner", "x")]},  # type: ignore[list-item]
    ).data
    assert [(hit.filename, hit.attributes) for hit in hits] == [("x.md", {"owner": "x", "year": 1, "no-word": "z"})]
    client.vector_stores.delete(store.id)


def test_the_tools_take_filters(leases: Running) -> None:
    async def talk() -> dict[str, Any]:
        found: dict[str, Any] = {}
        async with mcp.Client(f"{leases.url}/mcp/") as client:
            found["tools"] = {tool.name: tool for tool in (await client.list_tools()).tools}
            for name, words in (("ask", "question"), ("search", "query"), ("route", "question")):
                found[name] = await client.call_tool(name, {words: QUESTION, "where": "year == 2023"})
                for where, sentence in WRONG.items():
                    wrong = await client.call_tool(name, {words: QUESTION, "where": where})
                    assert wrong.is_error
                    assert sentence in wrong.content[0].text
            found["fetch"] = await client.call_tool("fetch", {"id": "leases/c.txt"})
        return found

    found = asyncio.run(talk())
    assert "2040" in found["ask"].structured_content["text"]
    assert [hit["title"] for hit in found["search"].structured_content["results"]] == ["a.md"]
    assert found["route"].structured_content["route"] in ("rag", "long")
    assert found["fetch"].structured_content["metadata"]["year"] == "2025"
    for name in ("ask", "search", "route"):
        assert "year >= 2024" in found["tools"][name].input_schema["properties"]["where"]["description"]


def test_the_description_of_the_service_tells_of_filters(leases: Running) -> None:
    told = leases.get("/openapi.json").json()
    for name in ("ChatRequest", "ResponseRequest", "RouteRequest", "SearchRequest"):
        assert "year >= 2024" in told["components"]["schemas"][name]["properties"]["where"]["description"]
    listing = "/v1/corpora/{corpus}/documents"
    for path, names in (
        (listing, ["corpus", "where"]),
        (f"{listing}/{{document}}", ["corpus", "document", "start", "end", "page", "as"]),
    ):
        assert [parameter["name"] for parameter in told["paths"][path]["get"]["parameters"]] == names
