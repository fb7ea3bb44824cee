"""The main job: Kafka to Parquet, filtered, beside two hand-written loops."""

from __future__ import annotations

from harness import HERE, Contender, Options, interleave, rate_table
from kafka import files_hold, loaded_topic

TITLE = "Kafka to Parquet"


def run(options: Options) -> list[str]:
    """Drain a topic once per contender and return the table."""
    count = options.size(2_000_000, least=1_000)
    with loaded_topic(options, count) as (servers, topic):

        def contender(name: str, program: str, loop: str | None = None) -> Contender:
            argv = [str(HERE / program), servers, topic, "{out}/files", "{out}/state"]
            return Contender(name, argv, files_hold(count), loop)

        contenders = [
            contender("loop, pyarrow.json", "loops/kafka_arrow.py"),
            contender("raystreaming, filter by expression", "jobs/kafka_expression.py", "loop, pyarrow.json"),
            contender("loop, orjson and a lambda", "loops/kafka_orjson.py"),
            contender("raystreaming, filter by lambda", "jobs/kafka_lambda.py", "loop, orjson and a lambda"),
        ]
        runs = interleave(contenders, options)
    return [
        f"{count:,} JSON messages of 150 bytes in two partitions, drained once, without the views, to "
        "Parquet by event type, a file each five seconds, synced. Wall clock from `python` to exit, "
        "page cache warm.",
        "",
        *rate_table(contenders, runs, count, "messages"),
    ]
