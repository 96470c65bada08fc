"""The part of a shared server's work that is a process's own, on a server whose every step is known.

A real server does not tell what would be right to charge: the time of each step, in equal parts to the requests in it.
"""

from __future__ import annotations

import heapq
import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from hybrid.cost.crowd import DECODED, ENDED, READ, RUNNING, WAITING, Crowd, Seen
from hybrid.cost.prometheus import Counters
from hybrid.cost.worked import Worked

STEP, PER_TOKEN, BATCH, SEATS = 0.02, 0.0001, 2048, 16  # seconds; prompt tokens of a step, requests at once
NETWORK, HOST = 0.003, 0.02  # seconds to the server and back, and until it gives a request to its engine


@dataclass(eq=False)
class Request:
    came: float
    prompt: int
    output: int
    scheduled: float | None = None
    first: float | None = None
    last: float = 0.0
    share: float = 0.0  # what is right to charge for it


@dataclass
class Stepping:
    """A server that works in steps as vLLM does, and counts as it does: at the end of a step."""

    now: float = 0.0
    waiting: list[Request] = field(default_factory=list)
    running: list[Request] = field(default_factory=list)
    batch: dict[Request, int] = field(default_factory=dict)
    ends: float = 0.0
    sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys((DECODED, READ, ENDED, RUNNING, WAITING), 0.0))

    def read(self) -> Counters:
        return Counters("tiny", dict(self.sums))

    def begin(self) -> None:
        """Choose the requests of a step, and the prompt tokens of each."""
        left, self.batch = BATCH, {}
        for request in self.running:
            self.batch[request] = min(left, request.prompt or 1)
            left -= self.batch[request]
        while (
            self.waiting and left and len(self.running) < SEATS
        ):  # as vLLM's scheduler: in order, while tokens are left
            request = self.waiting.pop(0)
            request.scheduled = self.now
            self.running.append(request)
            self.batch[request] = min(left, request.prompt)
            left -= self.batch[request]
        self.batch = {request: tokens for request, tokens in self.batch.items() if tokens}
        self.ends = self.now + STEP + PER_TOKEN * (BATCH - left)

    def end(self) -> list[Request]:
        """Count what the step did; the requests that ended with it."""
        took, self.now = self.ends - self.now, self.ends
        for request, tokens in self.batch.items():
            request.share += took / len(self.batch)
            request.prompt = max(0, request.prompt - tokens)
            if request.prompt > 0:
                continue
            if request.first is None:
                request.first = self.now
            else:
                self.sums[DECODED] += self.now - request.last
            request.last, request.output = self.now, request.output - 1
            if request.output == 0:
                self.sums[READ] += request.first - request.scheduled
                self.sums[ENDED] += 1
        self.running = [request for request in self.running if request.output > 0]
        self.sums[RUNNING], self.sums[WAITING] = float(len(self.running)), float(len(self.waiting))
        return [request for request in self.batch if request.output == 0]


Client = Iterator[tuple[float, int, int]]  # seconds of pause, tokens of the prompt, tokens of the answer


def talk(rng: random.Random, pause: float, prompt: int, output: int) -> Client:
    while True:
        yield (
            pause * rng.expovariate(1),
            max(1, round(prompt * rng.uniform(0.5, 1.5))),
            max(1, round(output * rng.uniform(0.5, 1.5))),
        )


class World:
    """Clients of one server, ours and others, in a time of their own."""

    def __init__(self, ours: list[Client], others: list[Client], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        self.now, self.server = 0.0, Stepping()
        self.crowd, self.worked = Crowd(self.server.read, clock=lambda: self.now, every=None), Worked()
        self.calls: dict[Request, tuple[Client, Seen | None, float]] = {}
        self.charged = self.right = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        for client in (*ours, *others):
            self._next(client, client in ours)
        self.at(0.5, self._look)

    def at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), act))

    def run(self, seconds: float) -> None:
        server = self.server
        while self.now < seconds:
            if not server.running and not server.waiting:
                server.now = max(server.now, self._events[0][0])
                self._until(server.now)
                continue
            server.begin()
            self._until(server.ends)
            for request in server.end():
                self.at(server.now + NETWORK, partial(self._end, request))
            for request in server.running:
                if request.first == server.now:
                    self.at(server.now + NETWORK, partial(self._first, request))

    def _until(self, when: float) -> None:
        while self._events and self._events[0][0] <= when:
            self.now, _, act = heapq.heappop(self._events)
            act()

    def _look(self) -> None:
        self.crowd.look()
        self.at(self.now + 1.0, self._look)

    def _next(self, client: Client, ours: bool) -> None:
        pause, prompt, output = next(client)

        def send() -> None:
            request = Request(self.now + NETWORK, prompt, output)
            seen = self.crowd.begin() if ours else None
            self.calls[request] = client, seen, self.worked.begin() if ours else 0.0
            self.at(request.came + HOST, lambda: self.server.waiting.append(request))

        self.at(self.now + pause, send)

    def _first(self, request: Request) -> None:
        if (seen := self.calls[request][1]) is not None:
            seen.first = self.now

    def _end(self, request: Request) -> None:
        client, seen, begun = self.calls.pop(request)
        if seen is not None:
            assert request.first is not None
            assert request.scheduled is not None
            seen.told = (
                request.scheduled - request.came - HOST,
                request.first - request.scheduled,
                request.last - request.first,
            )
            self.crowd.end(seen)
            self.charged += self.worked.end(begun, request.last - request.scheduled) * seen.part
            self.right += request.share
        self._next(client, seen is not None)


ASKS = (0.1, 400, 30)  # pause in seconds, tokens of a prompt, tokens of an answer; each on the mean
CASES: dict[str, tuple[tuple[float, int, int], tuple[tuple[float, int, int], ...]]] = {
    "alone": (ASKS, ()),
    "with one who writes long answers": (ASKS, ((0, 100, 3000),)),
    "with three who write long answers": (ASKS, ((0, 100, 3000),) * 3),
    "with short questions": (ASKS, ((0, 100, 10),)),
    "with short questions, now and then": (ASKS, ((0.5, 100, 20),) * 2),
    "with one whose documents are read": (ASKS, ((0, 60000, 20),)),
    "with documents, now and then": (ASKS, ((6, 60000, 20),) * 2),
    "with two whose documents are read": (ASKS, ((0, 60000, 20),) * 2),
    "with the like, short": ((0, 1200, 2), ((0, 1200, 2),)),
    "with the like": ((0, 6000, 100), ((0, 6000, 100),) * 3),
    "documents of our own": ((0, 60000, 20), (ASKS,) * 4),
    "in a queue": ((0, 400, 30), ((0, 400, 60),) * 30),
}


@pytest.mark.parametrize("clients", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_what_is_charged_is_near_what_is_right(case: str, clients: int, monkeypatch: pytest.MonkeyPatch) -> None:
    own, others = CASES[case]
    rng = random.Random(1)
    world = World([talk(rng, *own) for _ in range(clients)], [talk(rng, *each) for each in others], monkeypatch)
    world.run(300)
    assert world.right > 5
    assert 0.7 < world.charged / world.right < 1.25
