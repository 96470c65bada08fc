"""Responses, with OpenAI's own client."""

from __future__ import annotations

import openai
import pytest

from tests.serve.conftest import Running


def test_a_response_has_the_search_and_an_answer_with_citations_in_both_shapes(service: Running) -> None:
    found = service.client.responses.create(
        model="contracts", input="When does the lease end?", include=["file_search_call.results"]
    )
    search, message = found.output
    assert search.type == "file_search_call"
    assert search.results
    assert search.results[0].filename == "lease.md"
    assert message.type == "message"
    cited = message.content[0].annotations  # type: ignore[union-attr]
    assert {one.type for one in cited} == {"file_citation", "url_citation"}
    assert "28 February 2027" in found.output_text
    assert found.usage is not None
    assert found.usage.input_tokens > 0


def test_a_response_goes_on_from_the_one_before(service: Running) -> None:
    first = service.client.responses.create(model="contracts", input="When does the lease end?")
    second = service.client.responses.create(
        model="contracts", input="And when does it begin?", previous_response_id=first.id
    )
    assert "1 March 2024" in second.output_text
    with pytest.raises(openai.NotFoundError, match="There is no response"):
        service.client.responses.create(model="contracts", input="And?", previous_response_id="resp_of_nobody")


def test_the_results_of_a_search_are_those_of_the_question_as_it_was_understood(service: Running) -> None:
    first = service.client.responses.create(model="contracts", input="When does the lease end?")
    asked = {
        "model": "contracts",
        "input": "And when does it begin?",
        "previous_response_id": first.id,
        "include": ["file_search_call.results"],
    }
    search = service.client.responses.create(**asked).output[0]
    plain = service.client.vector_stores.search("contracts", query="When does the lease begin?")
    assert search.queries == ["When does the lease begin?"]
    assert [one.text for one in search.results] == [one.content[0].text for one in plain.data][: len(search.results)]
    with service.client.responses.stream(**asked) as stream:
        done = [event.item for event in stream if event.type == "response.output_item.done"]
    assert (done[0].queries, done[0].results) == (search.queries, search.results)  # type: ignore[union-attr]


def test_results_carry_the_attributes_of_uploads_and_no_more_than_were_asked_for(service: Running) -> None:
    client = service.client
    store = client.vector_stores.create(name="notes")
    for name in ("a.txt", "b.txt"):
        file = client.files.create(file=(name, f"The gate code of {name} is 4711.".encode()), purpose="assistants")
        client.vector_stores.files.create(store.id, file_id=file.id, attributes={"of": name})
    tool = {"type": "file_search", "vector_store_ids": [store.id], "max_num_results": 1}
    asked = {"model": "any", "input": "What is the gate code of b.txt?", "include": ["file_search_call.results"]}
    (found,) = client.responses.create(**asked, tools=[tool]).output[0].results
    assert (found.filename, found.attributes) == ("b.txt", {"of": "b.txt"})
    assert client.responses.create(model=store.id, input=asked["input"]).output[0].results is None
    client.vector_stores.delete(store.id)


def test_the_events_of_a_stream_build_the_same_response(service: Running) -> None:
    whole = service.client.responses.create(model="contracts", input="When does the lease end?")
    with service.client.responses.stream(model="contracts", input="When does the lease end?") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text == whole.output_text
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert kinds.count("response.output_text.annotation.added") >= 2


def test_the_search_of_files_names_the_corpus(service: Running) -> None:
    tool = {"type": "file_search", "vector_store_ids": ["contracts"]}
    found = service.client.responses.create(model="any", input="When does the lease end?", tools=[tool])  # type: ignore[list-item]
    assert "28 February 2027" in found.output_text
