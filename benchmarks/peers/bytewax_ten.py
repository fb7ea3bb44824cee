"""Ten records with Bytewax, for `python -m bytewax.run`."""

import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource

flow = Dataflow("ten")
squares = op.map("square", op.input("in", flow, TestingSource(range(10))), lambda x: x * x)
op.output("out", squares, StdOutSink())
