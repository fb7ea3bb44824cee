"""The words, the lambdas and the sink of the word count: the same for the loop and for the job."""

import hashlib
import pathlib
import random

split = lambda line: line.split()  # noqa: E731
pair = lambda word: (word, 1)  # noqa: E731
key = lambda p: p[0]  # noqa: E731
reduce = lambda a, b: (a[0], a[1] + b[1])  # noqa: E731


def lines(words):
    """Return lines of ten words, out of 5,000; always the same."""
    dice = random.Random(1)
    vocabulary = [f"word{i}" for i in range(5_000)]
    return [" ".join(dice.choices(vocabulary, k=10)) for _ in range(words // 10)]


def write_lines(words, folder):
    """Write the lines into a file of a folder and return its path."""
    text = pathlib.Path(folder, "words.txt")
    with text.open("w") as file:
        file.writelines(f"{line}\n" for line in lines(words))
    return text


def make_sink():
    """Return a function that keeps the last count of each word, and one that tells what it has got."""
    updates = 0
    counts = {}

    def sink(p):
        nonlocal updates
        updates += 1
        counts[p[0]] = p[1]

    def told():
        text = repr(sorted(counts.items())).encode()
        return {"updates": updates, "counts": hashlib.sha256(text).hexdigest()}

    return sink, told
