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


def raised(row):
    return {**row, "value": row["value"] + 1}


def plus_ten(value):
    return value + 10


def last(value, tasks):
    return tasks - 1


def add(one, other):
    return one + other
