"""The main job, Kafka to Parquet, beside the peers."""

from __future__ import annotations

from beside_peers import installed, left_out, peer_table
from harness import HERE, Contender, Options
from kafka import files_hold, kept_events, loaded_topic

TITLE = "Kafka to Parquet, beside peers"
BY_LAMBDA, BY_EXPRESSION = "raystreaming, filter by lambda", "raystreaming, filter by expression"
PROGRAMS = {  # program, what it is compared with
    "bytewax": ("peers/bytewax_kafka.py", BY_LAMBDA),
    "pathway": ("peers/pathway_kafka.py", BY_EXPRESSION),
    "quixstreams": ("peers/quix_kafka.py", BY_LAMBDA),
}


def run(options: Options) -> list[str]:
    """Drain a topic once per contender and return the table."""
    count = options.size(500_000, least=1_000)
    with loaded_topic(options, count) as (servers, topic):
        argv = [servers, topic, "{out}/files", "{out}/state"]
        check = files_hold(count)
        contenders = [
            Contender(BY_LAMBDA, [str(HERE / "jobs/kafka_lambda.py"), *argv], check),
            Contender(BY_EXPRESSION, [str(HERE / "jobs/kafka_expression.py"), *argv], check),
        ]
        for peer, name in installed().items():
            program, job = PROGRAMS[peer]
            further = [str(kept_events(count))] if peer == "quixstreams" else []
            contenders.append(Contender(name, [str(HERE / program), *argv, *further], check, job))
        table = peer_table(contenders, count, "messages", options)
    return [
        f"{count:,} JSON messages of 150 bytes in two partitions, drained once by one worker, without the "
        "views, to Parquet by event type. Wall clock from `python` to exit, page cache warm. All have the "
        "same settings of librdkafka. raystreaming writes exactly once; Bytewax (recovery on) and Quix "
        "Streams at least once; Pathway reads once, without persistence. No peer has a sink, free of a "
        "licence key, that partitions Parquet by a column: theirs are written with pyarrow as their "
        "documentation says, and are the hand-written loops'.",
        "",
        *table,
        *left_out({}),
    ]
