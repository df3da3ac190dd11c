"""datatrove's side of the race, run by the Python of an environment that has it.

    python tests/benchmarks/race_datatrove.py FOLDER

Reads `FOLDER/in/*.jsonl` (`id`, `text`), writes `FOLDER/out` as Parquet, prints a JSON object.
The pipeline is the one of datatrove's own MinHash example with personal data and length before
it: JSON lines, PIIFormatter, a length filter, Parquet; signatures of word 5-grams in Russian, 14
buckets of 8; buckets; clusters; filter; Parquet.  Its deduplication works on files only.
"""

import json
import resource
import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.readers import JsonlReader, ParquetReader
from datatrove.pipeline.writers.parquet import ParquetWriter
from datatrove.utils.hashing import HashConfig

MIN_CHARACTERS = 6
BUCKETS = 14


def cpu_seconds() -> float:
    """Return what this process and its children have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def main(folder: Path) -> None:
    """Run the five steps, one task at a time, and tell what they cost."""
    config = MinhashConfig(
        hash_config=HashConfig(precision=64), num_buckets=BUCKETS, hashes_per_bucket=8, n_grams=5
    )
    at = {name: str(folder / name) for name in ("in", "clean", "signed", "buckets", "gone", "out")}
    steps = {
        "clean": [
            JsonlReader(at["in"]),
            PIIFormatter(),
            LambdaFilter(lambda document: len(document.text) >= MIN_CHARACTERS),
            ParquetWriter(at["clean"]),
        ],
        "signatures": [
            ParquetReader(at["clean"]),
            MinhashDedupSignature(output_folder=at["signed"], config=config, language="rus"),
        ],
        "buckets": [
            MinhashDedupBuckets(
                input_folder=at["signed"], output_folder=at["buckets"], config=config
            )
        ],
        "clusters": [
            MinhashDedupCluster(input_folder=at["buckets"], output_folder=at["gone"], config=config)
        ],
        "filter": [
            ParquetReader(at["clean"]),
            MinhashDedupFilter(input_folder=at["gone"]),
            ParquetWriter(at["out"]),
        ],
    }
    started, laps = cpu_seconds(), {}
    for name, pipeline in steps.items():
        before = cpu_seconds()
        tasks = BUCKETS if name == "buckets" else 1
        LocalPipelineExecutor(
            pipeline=pipeline, tasks=tasks, workers=1, logging_dir=str(folder / "log" / name)
        ).run()
        laps[name] = round(cpu_seconds() - before, 2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    told = {"cpu_seconds": round(cpu_seconds() - started, 2), "peak_mib": peak, "laps": laps}
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
