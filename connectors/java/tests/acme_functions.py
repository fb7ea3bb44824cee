"""Python functions that Java programs name."""


def fails(value):
    raise ValueError(f"no {value}")


def show(value):
    print(value)


def values():
    return [1, 2, 3]


def twice(value):
    return [value, value]


def parity(value):
    return value % 2


def add(one, other):
    return one + other
