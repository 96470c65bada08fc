"""vLLM's own file-system tier without an engine: `python fs_tier.py CONFIG ROUNDS`, run by the Python of a vLLM.

It stores documents of random blocks through the tier, reads some of them back, and prints what it found as JSON:
blocks read whole, blocks told missing, and blocks with other bytes than were stored.
"""

from __future__ import annotations

import json
import mmap
import random
import sys
import time
from types import SimpleNamespace

import numpy as np
from vllm.v1.kv_offload.base import LookupResult, ReqContext, make_offload_key
from vllm.v1.kv_offload.config import (
    OffloadingCacheConfig,
    OffloadingConfig,
    OffloadingGroupConfig,
    OffloadingModelConfig,
    OffloadingParallelConfig,
)
from vllm.v1.kv_offload.tiering.base import ScheduleEndContext, TransferJob
from vllm.v1.kv_offload.tiering.factory import SecondaryTierFactory

SIZE = 256 * 1024  # bytes of a block
BLOCKS = 16  # of a document, and of the memory they pass through


def made(extra):
    """The tier that a configuration of ours makes, and the memory it reads and writes."""
    one = dict.fromkeys(("world_size", "tp_size", "pp_size", "pcp_size", "dcp_size", "data_parallel_size"), 1)
    parallel = OffloadingParallelConfig(
        rank=0, data_parallel_index=0, data_parallel_rank_local=None, is_parallelism_agnostic=True, **one
    )
    config = OffloadingConfig(
        groups=(OffloadingGroupConfig(tokens_per_block=extra["block_size"], layer_names=("a",), group_id=0),),
        worker_kv_bytes_per_block=SIZE,
        enable_kv_cache_events=False,
        extra_config=extra,
        engine_id="test",
        model=OffloadingModelConfig("org/model", "bfloat16"),
        cache=OffloadingCacheConfig(16, extra["block_size"] // 16),
        parallel=parallel,
    )
    events = SimpleNamespace(enable_kv_cache_events=False)
    spec = SimpleNamespace(
        config=config, extra_config=extra, blocks_per_chunk=config.cache.blocks_per_chunk, kv_events_config=events
    )
    memory = np.frombuffer(mmap.mmap(-1, BLOCKS * SIZE), np.uint8).reshape(BLOCKS, SIZE)  # in whole pages
    return SecondaryTierFactory.create_secondary_tier(extra["secondary_tiers"][0], memoryview(memory), spec), memory


def finished(tier, number):
    """The result of a job, once it has ended."""
    while True:
        for result in tier.get_finished_jobs():
            if result.job_id == number:
                return result
        time.sleep(0.001)


def main():
    extra = json.loads(sys.argv[1])["kv_connector_extra_config"]
    tier, memory = made(extra)
    rng, told, jobs = random.Random(0), {"read": 0, "missing": 0, "wrong": 0, "vanished": 0}, iter(range(10**9))
    every = np.arange(BLOCKS)
    documents = []
    for turn in range(int(sys.argv[2])):
        context = ReqContext(req_id=str(turn))
        keys = [make_offload_key(rng.randbytes(32), 0) for _ in range(BLOCKS)]
        memory[:] = [[key[0]] for key in keys]
        finished_store = TransferJob(next(jobs), keys, every, False, context)
        tier.submit_store(finished_store)
        assert finished(tier, finished_store.job_id).success
        documents.append(keys)
        again = rng.choice(documents[-8:] if rng.random() < 0.7 else documents)
        found = []
        for key in again:
            while (result := tier.lookup(key, context)) is LookupResult.RETRY:
                tier.on_schedule_end(ScheduleEndContext(new_req_ids=[], preempted_req_ids=[]))
            if result is not LookupResult.HIT:
                break
            found.append(key)
        told["missing"] += len(again) - len(found)
        if found:
            memory[:] = 0
            job = TransferJob(next(jobs), found, every[: len(found)], True, context)
            tier.submit_load(job)
            result = finished(tier, job.job_id)
            whole = len(found) if result.success else len(result.successful_keys or ())
            told["vanished"] += len(found) - whole
            told["read"] += whole
            told["wrong"] += sum(int((memory[i] != found[i][0]).any()) for i in range(whole))
        tier.on_request_finished(context)
    tier.shutdown()
    print(json.dumps(told))


main()
