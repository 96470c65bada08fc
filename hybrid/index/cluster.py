"""Workers on Ray: tasks look at files, actors embed, on one machine or on all of a cluster.

Work goes out in small parts, and each part has all that it needs: a worker that dies loses one, which Ray gives to
another. What comes back is the same as from one process, since passages are embedded one by one in one precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from hybrid import __version__
from hybrid.corpus.tables import Row
from hybrid.errors import CorpusError, HybridError, InputError, SettingsError, UserError
from hybrid.index import crew
from hybrid.index.connection import connected, one_line
from hybrid.index.crew import Crew, Done
from hybrid.index.workers import Halves, Look, Wanted, Written
from hybrid.settings import EmbedderSettings, PassageSettings

_LOOKS, _LOOK_BYTES = 64, 4_000_000  # sources of a part
_ROW_BYTES = 4_000  # of the row of a table, about
_AHEAD = 2  # parts that wait for each worker, so that none is idle
_SECONDS = 2.0  # that a part should take to embed: a kill loses no more
_FIRST, _MOST = 16, 4_096  # passages of a part
_FIRST_BYTES, _MOST_BYTES = 20_000, 64_000_000  # of files that are read, embedded and written as one part
_PASSAGE_BYTES = 800  # of a file for each passage, about
_SAMPLED = 32  # sources by whose passages a precision is judged
_SHARING = 8  # workers on one GPU, which read too
_JUDGED = 4_096  # passages from which looking for a quicker precision pays
_ATTEMPTS = 5  # at a part whose worker dies
_START_SECONDS = 300.0  # for a worker to start, on a machine that is busy
_BLAMED = 5  # files that may end their readers, before the cluster is at fault
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
        self._bytes = _FIRST_BYTES
        self._ray = connected(address, workers, "Building an index with --ray")
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
        lost: list[list[Wanted]] = []
        parts = _parts(wanted, lambda: _LOOK_BYTES, _LOOKS)
        for part, done in self._spread(submit, parts, self.cpus * _AHEAD, again.append):
            yield self._seen(part, done.result)
        alone = ([one] for part in again for one in part)
        for part, done in self._spread(submit, alone, self.cpus * _AHEAD, lost.append):
            yield self._seen(part, done.result)
        if lost:
            self._blame(lost)
            yield [_deadly(one) for (one,) in lost]

    def _blame(self, lost: Sequence[Sequence[Wanted]]) -> None:
        """Raise ClusterLost where it is not these files that end their readers: others would do, or there are many."""
        self._check(ClusterLost)
        if len(lost) > _BLAMED:
            names = ", ".join(one.source.name for (one,) in lost[:3])
            raise ClusterLost(
                f"Workers of the Ray cluster {self.address} died again and again, with {len(lost)} files ({names}, …). "
                "Nothing was changed in the index; give each worker more memory, or use fewer with --workers."
            )

    def _seen(self, part: Sequence[Wanted], looks: Sequence[Look]) -> Sequence[Look]:
        """The looks at a part. Raises CorpusError where the workers see no file of it, and this process does."""
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
        self._part = _FIRST

        def judge(actor: Any, thoroughly: bool) -> Any:
            return actor.judge.remote(list(sample), thoroughly)

        def landed(part: tuple[int, Sequence[str]], done: Done) -> None:
            self._part = _grown(self._part, len(part[1]), done.seconds, _FIRST, _MOST)

        def call(actor: Any, part: tuple[int, Sequence[str]]) -> Any:
            return actor.embed.remote(part[1])

        with self._embedders(total, judge) as actors:
            for (number, _), done in self._on_actors(actors, enumerate(parts), call, landed):
                yield number, done.result

    def write(self, place: Any, wanted: Sequence[Wanted]) -> Iterator[Written]:
        """As for all workers; each reads, splits, embeds and writes parts of its own."""
        if not wanted:
            return
        total = sum(map(_weight, wanted)) // _PASSAGE_BYTES + 1
        self._bytes = _FIRST_BYTES

        def judge(actor: Any, thoroughly: bool) -> Any:
            return actor.judge_of.remote(wanted[:: -(-len(wanted) // _SAMPLED)], thoroughly)

        def landed(part: list[Wanted], done: Done) -> None:
            self._bytes = _grown(self._bytes, sum(map(_weight, part)), done.seconds, _FIRST_BYTES, _MOST_BYTES)

        def call(actor: Any, part: list[Wanted]) -> Any:
            return actor.write.remote(place, part)

        parts = _parts(wanted, lambda: self._bytes, 10**9)
        again: list[list[Wanted]] = []
        lost: list[list[Wanted]] = []
        with self._embedders(total, judge, sharing=_SHARING) as actors:
            for part, done in self._on_actors(actors, parts, call, landed, again.append):
                yield done.result._replace(looks=self._seen(part, done.result.looks))
            alone = ([one] for part in again for one in part)
            for part, done in self._on_actors(actors, alone, call, landed, lost.append):
                yield done.result._replace(looks=self._seen(part, done.result.looks))
        if lost:
            self._blame(lost)
            yield Written([_deadly(one) for (one,) in lost], None, 0)

    @contextmanager
    def _embedders(self, total: int, judge: Callable[[Any, bool], Any], sharing: int = 1) -> Iterator[list[Any]]:
        """Actors that embed in one precision, no more than there is work for.

        Args:
            total: passages, about.
            judge: has an actor choose the precision.
            sharing: how many actors share a GPU, where they do other work too; each needs a CPU then.
        """
        gpus = self.gpus
        if self._device.startswith("cuda") and not gpus:
            raise SettingsError(
                f"embedder.device is {self._device!r}, but the Ray cluster {self.address} has no GPU: set it to auto."
            )
        share = max(1, min(sharing, self.cpus // gpus)) if gpus else 1
        most = gpus * share or self.cpus
        number = max(1, min(most, self._limit or most, -(-total // _FIRST)))
        kind = self._ray.remote(
            num_cpus=0 if gpus and sharing == 1 else 1,
            num_gpus=1 / share if gpus else 0,
            max_restarts=-1,
            max_task_retries=_ATTEMPTS,
        )(crew.Embedding)
        device = "cuda" if gpus else self._device.replace("auto", "cpu")
        precision: str = self._precision
        actors = [kind.remote(self._crew, precision, device, total)]
        try:
            if precision == "auto":
                alone = sum(node["Alive"] for node in self._ray.nodes()) == 1  # int8 forms differ between machines
                precision = self._get(judge(actors[0], total >= _JUDGED and (alone or gpus > 0))).result
            actors += [kind.remote(self._crew, precision, device, total) for _ in range(number - 1)]
            yield actors
        finally:
            for actor in actors:
                self._ray.kill(actor)

    def _on_actors(
        self,
        actors: Sequence[Any],
        items: Iterable[T],
        call: Callable[[Any, T], Any],
        landed: Callable[[T, Done], None],
        lost: Callable[[T], Any] | None = None,
    ) -> Iterator[tuple[T, Done]]:
        """Give items to whichever actor is free, and give back what they made of them; `lost` as for `_spread`."""
        free = [actor for _ in range(_AHEAD) for actor in actors]
        busy: dict[Any, Any] = {}

        def submit(item: T) -> Any:
            actor = free.pop(0)
            reference = call(actor, item)
            busy[reference] = actor
            return reference

        for item, done in self._spread(submit, items, len(free), lost, lambda one: free.append(busy.pop(one))):
            landed(item, done)
            yield item, done

    # -- Ray -----------------------------------------------------------------------------------------------------

    def _spread(
        self,
        submit: Callable[[T], Any],
        items: Iterable[T],
        most: int,
        lost: Callable[[T], Any] | None = None,
        freed: Callable[[Any], Any] = lambda reference: None,
    ) -> Iterator[tuple[T, Done]]:
        """Submit items, `most` of them at once, and give back what becomes of them in any order.

        Args:
            lost: receives the items whose workers died; None raises an error instead.
            freed: receives what `submit` gave, when it is done.
        """
        under_way: dict[Any, T] = {}
        try:
            yield from self._rounds(iter(items), submit, most, under_way, lost, freed)
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
        freed: Callable[[Any], Any],
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
                freed(reference)
                try:
                    done = self._get(reference)
                except WorkerLost:
                    if lost is None:
                        raise
                    lost(item)
                    continue
                yield item, done

    def _get(self, reference: Any) -> Done:
        """What a worker made. Raises WorkerLost where it died too often, and HybridError for all else."""
        errors = self._ray.exceptions
        try:
            done: Done = self._ray.get(reference)
        except _dead(errors) as error:
            raise WorkerLost(
                f"Workers of the Ray cluster {self.address} died {_ATTEMPTS} times at the same part "
                f"({one_line(error)}). What is embedded stays, and the same command goes on; give each worker more "
                "memory, or use fewer with --workers."
            ) from None
        except errors.RayTaskError as error:
            raise HybridError(f"A worker of the Ray cluster {self.address} failed: {one_line(error.cause)}.") from error
        except errors.RayError as error:
            raise ClusterLost(
                f"The Ray cluster {self.address} does not answer any more ({one_line(error)}). What is embedded "
                "stays, and the same command goes on."
            ) from None
        self.cpu_seconds += done.cpu_seconds
        if done.failure:
            raise UserError(f"{done.failure} (That is of a worker of the Ray cluster {self.address}.)")
        return done

    def _check(self, kind: type[HybridError] = InputError) -> None:
        """Raise InputError, or another error, where the workers are not as this program is, or there are none."""
        if not self._ray.cluster_resources().get("CPU"):
            raise kind(f"The Ray cluster {self.address} has no CPU for workers: start some, or use --ray alone.")
        errors = self._ray.exceptions
        try:
            task = self._ray.remote(num_cpus=0, max_retries=_ATTEMPTS)(crew.version)
            version = self._ray.get(task.remote(), timeout=_START_SECONDS)
        except errors.RayError as error:
            raise kind(
                f"The workers of the Ray cluster {self.address} cannot run this program ({one_line(error)}). Install "
                f"hybrid-context {__version__} on every machine of it, with the extras that are used here."
            ) from None
        if version != __version__:
            raise kind(
                f"The workers of the Ray cluster {self.address} have hybrid-context {version}, this is {__version__}: "
                "install the same on every machine."
            )


class ClusterLost(HybridError):
    """The cluster is gone, or fails at everything."""


class WorkerLost(HybridError):
    """Workers died at one part, again and again."""


def _dead(errors: Any) -> tuple[type[Exception], ...]:
    """The errors of Ray that tell of a worker that died."""
    died = (errors.ActorDiedError, errors.ActorUnavailableError, errors.WorkerCrashedError)
    return (*died, errors.OutOfMemoryError, errors.ObjectLostError)


def _parts(wanted: Iterable[Wanted], size: Callable[[], int], most: int) -> Iterator[list[Wanted]]:
    """Sources in parts of about `size()` bytes, and `most` at most."""
    part, weight = list[Wanted](), 0
    for one in wanted:
        part.append(one)
        weight += _weight(one)
        if len(part) >= most or weight >= size():
            yield part
            part, weight = [], 0
    if part:
        yield part


def _weight(wanted: Wanted) -> int:
    """Bytes to read, about; the size of a row's source is that of its table."""
    source = wanted.source
    return min(source.size, _ROW_BYTES) if isinstance(source.origin, Row) else source.size


def _grown(now: int, done: int, seconds: float, least: int, most: int) -> int:
    """How much to do at once, from how long some of it took."""
    fitting = int(done * _SECONDS / max(seconds, 1e-3))
    return max(least, min(fitting, 4 * now, most))


def _deadly(wanted: Wanted) -> Look:
    return Look(wanted.source, -1, "", None, f"its reader ended the process {_ATTEMPTS} times")


def _loads(wanted: Wanted) -> bool:
    try:
        wanted.source.load()
    except Exception:  # noqa: BLE001 -- whatever the reason, it is not only the workers
        return False
    return True
