"""The lambdas and the sink of map, filter, map: the same for the loop and for the job."""

plus_one = lambda x: x + 1  # noqa: E731
no_threes = lambda x: x % 3  # noqa: E731
double = lambda x: x * 2  # noqa: E731


def make_sink():
    """Return a function that counts and adds up, and one that tells what it has got."""
    count = total = 0

    def sink(x):
        nonlocal count, total
        count += 1
        total += x

    return sink, lambda: {"count": count, "total": total}
