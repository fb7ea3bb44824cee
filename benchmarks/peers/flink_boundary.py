"""JVM source -> Python map -> JVM sink with PyFlink: flink_boundary.py HOW KIND RECORDS OUT.

HOW is `stream`, or a mode of tables: `process`, `thread`. KIND is `numbers` or, of tables, `pairs` of a text
and a number. The clock is net of the start of the job: jobs of
a thousand records run first, and the time of the second, which finds everything loaded, is taken off.
"""

import json
import os
import sys
import sysconfig
import time
from pathlib import Path

# The interpreter in Flink's JVM (`thread`) does not know the virtual environment; it asks this variable.
os.environ["PYTHONPATH"] = sysconfig.get_path("purelib")

how, kind, records, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])


def plus_one(n):
    return n + 1


def with_streams(last, folder):
    """The DataStream API; what the sink has written is added up when the clock has stopped."""
    from pyflink.common import Configuration, Encoder, Types, WatermarkStrategy
    from pyflink.datastream import RuntimeExecutionMode, StreamExecutionEnvironment
    from pyflink.datastream.connectors.file_system import FileSink
    from pyflink.datastream.connectors.number_seq import NumberSequenceSource

    env = StreamExecutionEnvironment.get_execution_environment(Configuration())
    env.set_parallelism(1)
    env.set_runtime_mode(RuntimeExecutionMode.BATCH)  # its files are whole without checkpoints
    source = NumberSequenceSource(1, last)
    numbers = env.from_source(source, WatermarkStrategy.no_watermarks(), "numbers", Types.LONG())
    lines = numbers.map(plus_one, Types.LONG())
    lines.sink_to(FileSink.for_row_format(str(folder), Encoder.simple_string_encoder()).build())
    began = time.perf_counter()
    env.execute("numbers")
    seconds = time.perf_counter() - began
    written = [int(line) for f in folder.rglob("part-*") for line in f.read_text().split()]
    return seconds, len(written), sum(written)


def with_tables(last, mode):
    """The Table API; the JVM adds up."""
    from pyflink.common import Row
    from pyflink.table import DataTypes, EnvironmentSettings, TableEnvironment
    from pyflink.table.udf import udf

    def incremented(text, n):
        return Row(text, n + 1)

    tables = TableEnvironment.create(EnvironmentSettings.in_batch_mode())
    for name, value in {
        "parallelism.default": "1",
        "python.execution-mode": mode,
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
    }.items():
        tables.get_config().set(name, value)
    pair = DataTypes.ROW(
        [DataTypes.FIELD("text", DataTypes.STRING()), DataTypes.FIELD("n", DataTypes.BIGINT())]
    )
    tables.create_temporary_system_function("plus_one", udf(plus_one, result_type=DataTypes.BIGINT()))
    tables.create_temporary_system_function("incremented", udf(incremented, result_type=pair))
    tables.execute_sql(
        "CREATE TABLE numbers (n BIGINT, text AS CONCAT('k', CAST(MOD(n, 100) AS STRING))) WITH ("
        f"'connector'='datagen', 'number-of-rows'='{last}', "
        f"'rows-per-second'='1000000000', "  # it gives ten thousand unless it is told
        f"'fields.n.kind'='sequence', 'fields.n.start'='1', 'fields.n.end'='{last}')"
    )
    began = time.perf_counter()
    mapped = "plus_one(n)" if kind == "numbers" else "incremented(text, n).n"
    query = f"SELECT COUNT(m), SUM(m) FROM (SELECT {mapped} AS m FROM numbers)"
    ((count, total),) = [tuple(row) for row in tables.execute_sql(query).collect()]
    return time.perf_counter() - began, count, total


def run(last, name):
    return with_streams(last, out / name) if how == "stream" else with_tables(last, how)


run(1_000, "loads")
start, *_ = run(1_000, "start")
seconds, count, total = run(records, "all")
if seconds <= start:
    sys.exit(f"{records} records are too few to time: they took {seconds} s, a start {start} s")
print(json.dumps({"seconds": seconds - start, "start": start, "count": count, "total": total}))
