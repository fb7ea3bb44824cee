"""Ten records with Pathway, from start to exit."""

import pathway as pw


class Number(pw.Schema):
    n: int


def changed(key, row, time, is_addition):
    print(row["n"])


numbers = pw.debug.table_from_rows(Number, [(n,) for n in range(10)])
squares = numbers.select(n=pw.apply_with_type(lambda n: n * n, int, pw.this.n))
pw.io.subscribe(squares, changed)
pw.run(monitoring_level=pw.MonitoringLevel.NONE)
