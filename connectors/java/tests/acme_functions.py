"""Python functions, and classes of them, that Java programs name."""

from raystreaming import (
    FilterFunction,
    FlatMapFunction,
    KeyFunction,
    MapFunction,
    ReduceFunction,
    SinkFunction,
    SourceFunction,
)


def fails(value):
    raise ValueError(f"no {value}")


def show(value):
    print(value)


def show_letter(letter):
    print(letter["operator"], letter["record"], letter["error"])


def values():
    return [1, 2, 3]


def twice(value):
    return [value, value]


def parity(value):
    return value % 2


def raised(row):
    return {**row, "value": row["value"] + 1}


def plus_ten(value):
    return value + 10


def last(value, tasks):
    return tasks - 1


def add(one, other):
    return one + other


class Countdown(SourceFunction):
    """As many numbers as it is told, down to 1, from the first task only."""

    def __init__(self, first=2):
        self.next = first

    def init(self, parallel, index):
        self.next = self.next if index == 0 else 0

    def fetch(self, collector):
        if self.next:
            collector.collect(self.next)
            self.next -= 1
        return self.next > 0


countdown = Countdown(4)


class Tenfold(MapFunction):
    def map(self, value):
        return 10 * value


class Twice(FlatMapFunction):
    def flat_map(self, value, collector):
        collector.collect(value)
        collector.collect(value)


class NotTen(FilterFunction):
    def filter(self, value):
        return value != 10


class ByValue(KeyFunction):
    def key_by(self, value):
        return value


class Add(ReduceFunction):
    def reduce(self, old_value, new_value):
        return old_value + new_value


class Print(SinkFunction):
    def sink(self, value):
        print(value)


class Told(MapFunction):
    """Shows what the context has told it."""

    def open(self, context):
        self.told = f"{context.config['unit']} {context.config['season']}"

    def map(self, value):
        return f"{value}, Python: {self.told}"


class Needy(MapFunction):
    def __init__(self, more):
        self.more = more

    def map(self, value):
        return value
