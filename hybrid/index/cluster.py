"""Workers on Ray: tasks look at files, actors embed, on one machine or on all of a cluster.

Work goes out in small parts, and each part has all that it needs: a worker that dies loses one, which Ray gives to
another. What comes back is the same as from one process, since passages are embedded one by one in one precision.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from hybrid import __version__
from hybrid.errors import CorpusError, HybridError, InputError, MissingDependency, SettingsError, UserError
from hybrid.index import crew
from hybrid.index.crew import Crew, Done
from hybrid.index.workers import Halves, Look, Wanted, Written
from hybrid.settings import EmbedderSettings, PassageSettings

LOCAL = "local"  # the address of a Ray that is started for the time of the work

_CONNECT_SECONDS = 5.0
_LOOKS, _LOOK_BYTES = 64, 4_000_000  # sources of a part
_ROW_BYTES = 4_000  # of the row of a table, about
_AHEAD = 2  # parts that wait for each worker, so that none is idle
_FIRST, _MOST, _SECONDS = 16, 4_096, 2.0  # passages of a part: first, at most, and seconds that they should take
_JUDGED = 4_096  # passages from which looking for a quicker precision pays
_ATTEMPTS = 5  # at a part whose worker dies
_MEMORY = 1_000_000_000  # bytes for what is on its way, in a Ray that is started here
T = TypeVar("T")


class Cluster:
    """Workers on a Ray cluster, or on a Ray that is started here and ends with `close`.

    Args:
        address: `host:port` of a cluster, `auto` for one that runs here, or `local`.
        embedder: the settings of the index's embedder.
        passages: likewise.
        workers: how many work at once; None: one for each CPU, and for embedding one for each GPU if there are any.

    Raises:
        MissingDependency: Ray is not installed.
        InputError: nobody answers at the address, or Ray does not start.
    """

    def __init__(
        self,
        address: str,
        embedder: EmbedderSettings,
        passages: PassageSettings,
        workers: int | None = None,
    ) -> None:
        self.cpu_seconds = 0.0
        self.address = address
        self._crew = Crew(embedder.model_dump_json(), passages.model_dump_json())
        self._precision = embedder.precision
        self._device = embedder.device
        self._limit = workers
        self._part = _FIRST
        self._ray = _connected(address, workers)
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the cluster; a Ray that was started here ends."""
        self._ray.shutdown()

    @property
    def part_size(self) -> int:
        """As for all workers; it grows until a part takes some seconds."""
        return self._part

    @property
    def gpus(self) -> int:
        """GPUs that embed; 0 where the settings ask for the CPU."""
        return 0 if self._device == "cpu" else int(self._ray.cluster_resources().get("GPU", 0))

    @property
    def cpus(self) -> int:
        """CPUs that may be used."""
        return max(1, min(int(self._ray.cluster_resources().get("CPU", 0)), self._limit or 10**6))

    # -- looking -------------------------------------------------------------------------------------------------

    def look(self, wanted: Sequence[Wanted]) -> Iterator[Sequence[Look]]:
        """As for all workers. A file whose reader kills its worker again and again is reported as a problem."""
        task = self._ray.remote(num_cpus=1, max_retries=_ATTEMPTS)(crew.look_at)

        def submit(part: list[Wanted]) -> Any:
            return task.remote(self._crew, part)

        again: list[list[Wanted]] = []
        for part, done in self._spread(submit, _parts(wanted), self.cpus * _AHEAD, again.append):
            yield self._seen(part, done)
        alone = [[one] for part in again for one in part]
        lost: list[list[Wanted]] = []
        for part, done in self._spread(submit, alone, self.cpus * _AHEAD, lost.append):
            yield self._seen(part, done)
        for (one,) in lost:
            yield [Look(one.source, -1, "", None, f"its reader ended the process {_ATTEMPTS} times")]

    def _seen(self, part: Sequence[Wanted], done: Done) -> Sequence[Look]:
        looks: Sequence[Look] = done.result
        if all(one.source.document is None and not one.digest for one in looks):  # perhaps they are only here
            for one, seen in zip(part, looks, strict=True):
                if _loads(one):
                    raise CorpusError(
                        f"The workers of {self.address} cannot read {one.source.path or one.source.name} "
                        f"({seen.reason}), which can be read here. Put the files where all machines see them under the "
                        "same path, or into object storage with credentials that all machines have."
                    )
        return looks

    # -- embedding -----------------------------------------------------------------------------------------------

    def embed(self, parts: Iterator[Sequence[str]], total: int, sample: Sequence[str]) -> Iterator[tuple[int, Halves]]:
        """As for all workers. Where `embedder.precision` is auto, one worker chooses for all of them."""
        with self._embedders(total, sample) as actors:
            for number, done in self._on_actors(
                actors, ((i, part) for i, part in enumerate(parts)), lambda actor, one: actor.embed.remote(one[1])
            ):
                yield number[0], done.result

    @contextmanager
    def _embedders(self, total: int, sample: Sequence[str]) -> Iterator[list[Any]]:
        """Actors that embed in one precision, no more than there is work for."""
        gpus = self.gpus
        if self._device.startswith("cuda") and not gpus:
            raise SettingsError(
                f"embedder.device is {self._device!r}, but the Ray cluster {self.address} has no GPU: set it to auto."
            )
        most = gpus or self.cpus
        wanted = max(1, min(most, self._limit or most, -(-total // _FIRST)))
        kind = self._ray.remote(
            num_cpus=0 if gpus else 1, num_gpus=1 if gpus else 0, max_restarts=-1, max_task_retries=_ATTEMPTS
        )(crew.Embedding)
        device = ("cuda" if gpus else "cpu") if self._device in ("auto", "cpu") or gpus else self._device
        first = kind.remote(self._crew, self._precision, device, total)
        actors = [first]
        precision = self._precision
        try:
            if precision == "auto":
                alone = len({node["NodeID"] for node in self._ray.nodes() if node["Alive"]}) == 1
                judged = total >= _JUDGED and (alone or bool(gpus))
                precision = self._get(first.judge.remote(list(sample), judged)).result
            actors += [kind.remote(self._crew, precision, device, total) for _ in range(wanted - 1)]
            yield actors
        finally:
            for actor in actors:
                self._ray.kill(actor)

    def _on_actors(
        self, actors: Sequence[Any], items: Iterable[T], call: Callable[[Any, T], Any]
    ) -> Iterator[tuple[T, Done]]:
        """Give items to whichever actor is free, and give back what they made of them."""
        free = [actor for _ in range(_AHEAD) for actor in actors]
        at: dict[Any, Any] = {}

        def submit(item: T) -> Any:
            actor = free.pop(0)
            reference = call(actor, item)
            at[reference] = actor
            return reference

        def landed(reference: Any, done: Done) -> None:
            free.append(at.pop(reference))
            if done.seconds > 0 and done.texts:
                fitting = int(done.texts * _SECONDS / done.seconds)
                self._part = max(_FIRST, min(fitting, 4 * self._part, _MOST))

        yield from self._spread(submit, items, len(free), None, landed)

    def write(self, place: Any, wanted: Sequence[Wanted], total: int) -> Iterator[Written]:
        raise NotImplementedError

    # -- Ray -----------------------------------------------------------------------------------------------------

    def _spread(
        self,
        submit: Callable[[T], Any],
        items: Iterable[T],
        most: int,
        lost: Callable[[T], Any] | None = None,
        landed: Callable[[Any, Done], None] | None = None,
    ) -> Iterator[tuple[T, Done]]:
        """Submit items, `most` of them at once, and give back what becomes of them in any order.

        Args:
            lost: receives the items whose workers died; None raises an error instead.
        """
        under_way: dict[Any, T] = {}
        try:
            yield from self._rounds(iter(items), submit, most, under_way, lost, landed)
        finally:
            for reference in under_way:  # somebody stopped, or something failed
                self._ray.cancel(reference, force=False)

    def _rounds(
        self,
        items: Iterator[T],
        submit: Callable[[T], Any],
        most: int,
        under_way: dict[Any, T],
        lost: Callable[[T], Any] | None,
        landed: Callable[[Any, Done], None] | None,
    ) -> Iterator[tuple[T, Done]]:
        more = True
        while more or under_way:
            while more and len(under_way) < most:
                try:
                    item = next(items)
                except StopIteration:
                    more = False
                else:
                    under_way[submit(item)] = item
            if not under_way:
                return
            ready, _ = self._ray.wait(list(under_way), num_returns=1)
            for reference in ready:
                item = under_way.pop(reference)
                try:
                    done = self._get(reference)
                except WorkerLost:
                    if lost is None:
                        raise
                    lost(item)
                    continue
                if landed is not None:
                    landed(reference, done)
                yield item, done

    def _get(self, reference: Any) -> Done:
        """What a worker made. Raises WorkerLost where it died too often, and HybridError for all else."""
        errors = self._ray.exceptions
        try:
            done: Done = self._ray.get(reference)
        except _dead(errors) as error:
            raise WorkerLost(
                f"Workers of the Ray cluster {self.address} died {_ATTEMPTS} times at the same part "
                f"({_one_line(error)}). What is embedded stays, and the same command goes on; give each worker more "
                "memory, or use fewer with --workers."
            ) from None
        except errors.RayTaskError as error:
            raise HybridError(
                f"A worker of the Ray cluster {self.address} failed: {_one_line(error.cause)}."
            ) from error
        except errors.RayError as error:
            raise WorkerLost(
                f"The Ray cluster {self.address} does not answer any more ({_one_line(error)}). What is embedded "
                "stays, and the same command goes on."
            ) from None
        self.cpu_seconds += done.cpu_seconds
        if done.failure:
            raise UserError(f"{done.failure} (That is of a worker of the Ray cluster {self.address}.)")
        return done

    def _check(self) -> None:
        """Raise InputError where the workers are not as this program is, or there are none."""
        if not self._ray.cluster_resources().get("CPU"):
            raise InputError(f"The Ray cluster {self.address} has no CPU for workers: start some, or use --ray alone.")
        errors = self._ray.exceptions
        try:
            version = self._ray.get(self._ray.remote(num_cpus=0, max_retries=0)(crew.version).remote())
        except errors.RayError as error:
            raise InputError(
                f"The workers of the Ray cluster {self.address} cannot run this program ({_one_line(error)}). Install "
                f"hybrid-context {__version__} on every machine of it, with the extras that are used here."
            ) from None
        if version != __version__:
            raise InputError(
                f"The workers of the Ray cluster {self.address} have hybrid-context {version}, this is {__version__}: "
                "install the same on every machine."
            )


class WorkerLost(HybridError):
    """Workers died, again and again."""


def address_of(said: str) -> str:
    """The address of a cluster: as said, else what RAY_ADDRESS says, else a Ray that is started here."""
    return said or os.environ.get("RAY_ADDRESS", "").strip() or LOCAL


def _connected(address: str, workers: int | None) -> Any:
    """The module ray, connected."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is reported to anybody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise MissingDependency("ray", "ray", "Building an index with --ray") from None
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address == LOCAL:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        quiet |= {"num_cpus": workers or cores, "include_dashboard": False, "object_store_memory": _MEMORY}
    else:
        _knock(address)
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        what = "Ray does not start" if address == LOCAL else f"Cannot use the Ray cluster {address}"
        raise InputError(f"{what}: {_one_line(error)}. Give the address of one that runs, or --ray alone.") from None
    return ray


def _knock(address: str) -> None:
    """Raise InputError where nobody listens: Ray itself would wait for minutes and then end the process."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise InputError(f"{address!r} is no address of a Ray cluster: give host:port, such as head.example:6379.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise InputError(
            f"No Ray cluster answers at {address} ({reason}): start one there with `ray start --head`, or give --ray "
            "without an address for one that is started here."
        ) from None


def _dead(errors: Any) -> tuple[type[Exception], ...]:
    """The errors of Ray that tell of a worker that died."""
    return (errors.WorkerCrashedError, errors.ActorDiedError, errors.OutOfMemoryError, errors.ObjectLostError)


def _parts(wanted: Iterable[Wanted]) -> Iterator[list[Wanted]]:
    part, size = list[Wanted](), 0
    for one in wanted:
        part.append(one)
        size += one.source.size if one.source.path is not None else min(one.source.size, _ROW_BYTES)
        if len(part) >= _LOOKS or size >= _LOOK_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _loads(wanted: Wanted) -> bool:
    try:
        wanted.source.load()
    except Exception:  # noqa: BLE001 -- whatever the reason, it is not only the workers
        return False
    return True


def _one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0] if lines else type(error).__name__
    return (said if len(said) <= 200 else said[:199] + "…").rstrip(". ")
