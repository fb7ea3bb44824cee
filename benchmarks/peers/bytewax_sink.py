"""A sink of Bytewax that calls a function with each item."""

from bytewax.outputs import DynamicSink, StatelessSinkPartition


class EachSink(DynamicSink):
    def __init__(self, function):
        self.function = function

    def build(self, step_id, worker_index, worker_count):
        return EachPartition(self.function)


class EachPartition(StatelessSinkPartition):
    def __init__(self, function):
        self.function = function

    def write_batch(self, items):
        for item in items:
            self.function(item)
