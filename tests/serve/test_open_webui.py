"""Open WebUI's requests, rebuilt from its source (0.6 to 0.11), and what it makes of the replies.

Its backend takes `metadata` and `files` out of a request before it sends it, and always asks for the usage of a stream.
Its tasks are known by their text alone.
"""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from hybrid.serve.citing import Place, annotated
from hybrid.serve.messages import asked_in, chore
from hybrid.types import Citation
from tests.serve.conftest import Running

HEADERS = {"authorization": "Bearer sk-none", "x-openwebui-user-name": "Ada", "x-openwebui-chat-id": "8c1f"}
CHAT: dict[str, Any] = {
    "stream": True,
    "model": "contracts",
    "messages": [
        {"role": "system", "content": "You are a pirate. Today is 2026-11-30, and the user is Ada."},
        {"role": "user", "content": "When does the lease end, and when is the rent due?"},
    ],
    "temperature": 0.8,
    "stream_options": {"include_usage": True},
}
PICTURE = [
    {"type": "text", "text": "When does the lease end?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
]
SAID = "USER: When does the lease end?\nASSISTANT: On 28 February 2027."
HISTORY = f"### Chat History:\n<chat_history>\n{SAID}\n</chat_history>"
TASKS = {
    "title": (
        "### Task:\nGenerate a concise title summarizing the chat history.\n### Guidelines:\n- Keep it short.\n"
        f'### Output:\nJSON format: {{ "title": "your concise title here" }}\n{HISTORY}'
    ),
    "tags": (
        "### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history.\n\n### Output:\n"
        f'JSON format: {{ "tags": ["tag1", "tag2", "tag3"] }}\n\n{HISTORY}'
    ),
    "follow_ups": (
        "### Task:\nSuggest 3-5 relevant follow-up questions or prompts.\n### Guidelines:\n- Response must be a JSON "
        'object with a "follow_ups" key containing an array of strings.\n### Output:\nJSON format: '
        f'{{ "follow_ups": ["Question 1?", "Question 2?"] }}\n{HISTORY}'
    ),
    "queries": (
        "### Task:\nAnalyze the chat history to determine the necessity of generating search queries.\n\n### Output:\n"
        f'Strictly return in JSON format: \n{{\n  "queries": ["query1", "query2"]\n}}\n\n{HISTORY}\n'
    ),
    "text": (
        "### Task:\nYou are an autocompletion system. Continue the text in `<text>`.\n### **Output Rules**:\n- Respond "
        f'only in JSON format: `{{ "text": "<your_completion>" }}`.\n---\n### Context:\n{HISTORY}\n<text>When</text>'
    ),
}
ATTACHED = """### Task:
Respond to the user query using the provided context, incorporating inline citations in the format [id].

### Example of Citation:
* "According to the study, the proposed method increases efficiency by 20% [1]."

<context>
<source id="1" name="notes.txt">{"title": "Notes", "tags": []} The lease ends in 1999.</source>
</context>

"""


def streamed(service: Running, body: dict[str, Any]) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
    """Text, sources and usage, as its backend gathers them from the lines of a stream."""
    text, sources, usage = "", [], {}
    with httpx.stream("POST", f"{service.url}/v1/chat/completions", json=body, headers=HEADERS, timeout=60) as reply:
        for line in reply.iter_lines():
            if not line.startswith("data:") or line.endswith("[DONE]"):
                continue
            data = json.loads(line[5:])
            usage = data.get("usage") or usage
            assert "event" not in data
            assert "selected_model_id" not in data
            for choice in data["choices"][:1]:
                delta = choice["delta"]
                for one in delta.get("annotations") or []:
                    if one.get("type") == "url_citation" and "url_citation" in one:
                        url, title = one["url_citation"].get("url", ""), one["url_citation"].get("title", "")
                        sources.append({"source": {"name": title, "url": url}, "metadata": [{"source": url}]})
                text += delta.get("content") or ""
    return text, sources, usage


def numbered(sources: list[dict[str, Any]]) -> list[str]:
    """The addresses that its page opens for [1], [2] and so on: one for each, in the order in which they came."""
    return list(dict.fromkeys(source["metadata"][0]["source"] for source in sources))


def test_its_page_opens_for_each_number_the_place_that_is_cited(service: Running) -> None:
    text, sources, usage = streamed(service, CHAT)
    assert usage["total_tokens"] > 0
    opened = numbered(sources)
    numbers = sorted({int(number) for number in re.findall(r"\[(\d+)\]", text)})
    assert numbers == list(range(1, len(opened) + 1))
    said = service.post("/v1/chat/completions", json={**CHAT, "stream": False}).json()
    assert opened == [citation["url"] for citation in said["hybrid"]["citations"]]
    assert all(url.startswith(f"{service.url}/open/") and httpx.get(url).status_code == 200 for url in opened)


def test_sources_come_in_the_order_of_their_numbers_whatever_the_order_in_the_text() -> None:
    def place(start: int) -> Place:
        where = {"line": 1, "end_line": 1, "start": start, "end": start + 1}
        cited = Citation(document="a.md", path=None, page=None, heading="", quote="x", score=1.0, **where)  # type: ignore[arg-type]
        return Place("c", cited, start, start + 1)

    found = annotated("B [2]. A [1]. B again [2].", [place(0), place(5)], "http://h", lambda *_: "f", nested=True)
    sources = [{"metadata": [{"source": one["url_citation"]["url"]}]} for one in found if "url_citation" in one]
    assert [url.partition("start=")[2] for url in numbered(sources)] == ["0&end=1", "5&end=6"]


def test_a_picture_is_left_out_and_a_system_message_not_followed(service: Running) -> None:
    messages = [CHAT["messages"][0], {"role": "user", "content": PICTURE}]
    text, sources, _ = streamed(service, {**CHAT, "messages": messages})
    assert "28 February 2027" in text
    assert sources
    only = service.post("/v1/chat/completions", json={**CHAT, "messages": [{"role": "user", "content": PICTURE[1:]}]})
    assert only.status_code == 400
    assert "There is no question" in only.json()["error"]["message"]


@pytest.mark.parametrize("task", TASKS)
def test_its_tasks_get_json_and_cost_no_question(service: Running, task: str) -> None:
    before = service.get("/v1/saved").json()["questions"]
    body = {
        "model": "contracts",
        "messages": [{"role": "user", "content": TASKS[task]}],
        "stream": False,
        "max_completion_tokens": 1000,
    }
    reply = service.post("/v1/chat/completions", json=body, headers=HEADERS).json()["choices"][0]["message"]["content"]
    expected: Any = {"title": "When does the lease end", "text": ""}.get(task, [])
    assert json.loads(reply[reply.find("{") : reply.rfind("}") + 1]) == {task: expected}
    assert service.get("/v1/saved").json()["questions"] == before


def test_files_that_a_user_attaches_there_hide_no_question(service: Running) -> None:
    question = f"{ATTACHED}\nWhen does the lease end?"
    assert chore(question) is None
    assert asked_in(question) == "When does the lease end?"
    text, sources, _ = streamed(service, {**CHAT, "messages": [{"role": "user", "content": question}]})
    assert "28 February 2027" in text
    assert "1999" not in text
    assert sources


def test_a_question_may_look_like_a_task() -> None:
    assert chore('What does the "title" of section 3 say?') is None
    assert chore("### Task: compare the two leases") is None
