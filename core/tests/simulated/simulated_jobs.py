"""Jobs for simulations, each with an oracle that computes its answer without a stream engine."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgpack

from raystreaming import StreamingContext, dead_letter, retry
from raystreaming.checkpoint.place import MemoryPlace
from raystreaming.connector import Batch, Operator
from raystreaming.graph import Edge, LogicalOperator, Partitioning
from raystreaming.runtime.simulated import simulate
from raystreaming.testing.memory import ForeignSource, MemorySink, MemorySource, World


def seeds(default):
    """Seeds of one test; RAYSTREAMING_SEEDS asks for another number of them."""
    return range(int(os.environ.get("RAYSTREAMING_SEEDS", default)))


@dataclass
class Case:
    ctx: StreamingContext
    worlds: list[World]
    check: Callable[[Any], None]
    job: dict[str, Any] = field(default_factory=dict)

    def run(self, seed, **options):
        """Run under a seed and check the committed output; returns what `simulate` returns."""
        if options.get("zombies"):
            # Two known faults of retention, which have tests of their own.
            options = {"zombies_retire": False, "retain": 1000, **options}
        result = simulate(self.ctx, seed, **self.job, **options)
        self.check(result)
        if not options.get("zombies"):
            assert not any(w.staged for w in self.worlds), "output was left behind"
        assert result.most_waiting <= 4_000 + 1_000
        return result


def splits(rng, name="s", most=4, longest=12):
    """Splits of uneven length, some of them empty; every record is unique."""
    return {
        f"{name}{i}": [(f"{name}{i}", n) for n in range(rng.choice((0, 1, rng.randrange(longest))))]
        for i in range(rng.randrange(1, most + 1))
    }


def records(data):
    return list(chain.from_iterable(data.values()))


def same(world, expected):
    got, expected = Counter(world.values), Counter(expected)
    assert got == expected, f"too many: {dict(got - expected)}, missing: {dict(expected - got)}"


def in_order(world, parallelism, where=lambda value: value):
    """Each sink task has the records of one split in the split's order."""
    for task in range(parallelism):
        last = defaultdict(lambda: -1)
        for value in world.values_of(task):
            split, n = where(value)
            assert n > last[split], f"sink {task}: {split}/{n} after {split}/{last[split]}"
            last[split] = n


def connect(stream, partitioning, choose=None):
    """Have the records of a stream's one input spread in a way the API has no method for."""
    op = stream._operator
    op.edges[0] = Edge(op.edges[0].upstream, partitioning, choose)
    return stream


def parallelism(rng):
    return rng.choice((1, 1, 2, 3))


def chained(rng):
    data, p, world = splits(rng), parallelism(rng), World()
    ctx = StreamingContext()
    source = ctx.source(MemorySource(data, end_alone=rng.random() < 0.5)).set_parallelism(p)
    stream = source.map(lambda r: (*r, r[1] * 7)).filter(lambda r: r[2] % 3)
    stream = stream.flat_map(lambda r: [(r[0], r[1] * 10 + i) for i in range(r[2] % 5)])
    stream.sink(MemorySink(world=world, lazy=rng.random() < 0.5))

    def check(result):
        mapped = [(s, n, n * 7) for s, n in records(data)]
        same(world, [(s, n * 10 + i) for s, n, x in mapped if x % 3 for i in range(x % 5)])
        in_order(world, p)

    return Case(ctx, [world], check)


def spread(rng):
    """Another parallelism at every operator: round robin everywhere."""
    data, world = splits(rng), World()
    ctx = StreamingContext()
    stream = ctx.source(MemorySource(data)).set_parallelism(parallelism(rng))
    for _ in range(3):
        stream = stream.map(lambda r: (r[0], r[1] + 1)).set_parallelism(parallelism(rng))
    stream.sink(MemorySink(world=world))
    return Case(ctx, [world], lambda _: same(world, [(s, n + 3) for s, n in records(data)]))


def union(rng):
    parts = [splits(rng, name) for name in "abc"]
    world, p = World(), parallelism(rng)
    ctx = StreamingContext()
    streams = [ctx.source(MemorySource(part)).set_parallelism(parallelism(rng)) for part in parts]
    both = streams[0].union(*streams[1:], streams[0]).set_parallelism(p)
    both.sink(MemorySink(world=world))
    return Case(ctx, [world], lambda _: same(world, chain(records(parts[0]), *map(records, parts))))


def diamond(rng):
    """One stream branches into two that come together again."""
    data, world = splits(rng), World()
    ctx = StreamingContext()
    source = ctx.source(MemorySource(data)).set_parallelism(parallelism(rng))
    left = source.map(lambda r: ("left", *r)).set_parallelism(parallelism(rng))
    right = source.filter(lambda r: r[1] % 2).set_parallelism(parallelism(rng))
    left.union(right).set_parallelism(parallelism(rng)).sink(MemorySink(world=world))

    def check(result):
        inputs = records(data)
        same(world, [("left", *r) for r in inputs] + [r for r in inputs if r[1] % 2])

    return Case(ctx, [world], check)


def two_sinks(rng):
    data, one, other, p = splits(rng), World(), World(), parallelism(rng)
    ctx = StreamingContext()
    source = ctx.source(MemorySource(data)).set_parallelism(p)
    source.sink(MemorySink(world=one, stateful=True))
    source.map(lambda r: ("other", *r)).sink(MemorySink(world=other, lazy=True))

    def check(result):
        same(one, records(data))
        same(other, [("other", *r) for r in records(data)])
        in_order(one, p)

    return Case(ctx, [one, other], check)


KEYS = (
    lambda r: r[1] % 3,
    lambda r: f"key-{r[1] % 4}",
    lambda r: (r[1] % 2, [r[0]]),
    lambda r: (True, 1, 1.0, -0.0, 0, None, b"x")[r[1] % 7],
)


def counted(data, key, world):
    """The number of a record within its key: all numbers from 1, whatever the order."""
    totals, sums = Counter(), Counter()
    for split, n in data:
        k = repr(canonical(key((split, n))))
        totals[k] += 1
        sums[k] += n
    same_numbers = Counter((k, i) for k, total in totals.items() for i in range(1, total + 1))
    got = Counter((repr(canonical(k)), count) for k, count, _ in world.values)
    assert got == same_numbers, f"{got - same_numbers} {same_numbers - got}"
    for k, count, total in world.values:
        k = repr(canonical(k))
        if count == totals[k]:
            assert total == sums[k], f"{k}: {total}, not {sums[k]}"


def canonical(key):
    if isinstance(key, list | tuple):
        return tuple(map(canonical, key))
    return int(key) if isinstance(key, bool | int | float) else key


def keyed_count(ctx, stream, key, p, world, **sink):
    counts = stream.map(lambda r: (key(r), 1, r[1])).key_by(lambda r: r[0])
    counts = counts.reduce(lambda a, b: (a[0], a[1] + b[1], a[2] + b[2])).uid("counts").set_parallelism(p)
    counts.sink(MemorySink(world=world, **sink)).uid("sink")


def reduce(rng):
    data, world, key = splits(rng, longest=25), World(), rng.choice(KEYS)
    ctx = StreamingContext()
    source = ctx.source(MemorySource(data)).set_parallelism(parallelism(rng))
    keyed_count(ctx, source, key, rng.choice((1, 2, 3, 7)), world)
    return Case(ctx, [world], lambda _: counted(records(data), key, world))


def reduce_in_order(rng):
    """A fold that depends on the order: exact where a key comes from one split only."""
    data, world = splits(rng), World()
    ctx = StreamingContext()
    source = ctx.source(MemorySource(data)).set_parallelism(parallelism(rng))
    folded = source.map(lambda r: (r[0], (r[1],))).key_by(lambda r: r[0])
    folded = folded.reduce(lambda a, b: (a[0], (*a[1], *b[1]))).set_parallelism(rng.choice((2, 3)))
    folded.sink(MemorySink(world=world))

    def check(result):
        same(world, [(s, tuple(range(n + 1))) for s, values in data.items() for n in range(len(values))])

    return Case(ctx, [world], check)


def reduce_twice(rng):
    """How many keys came to each count."""
    data, world = splits(rng, longest=20), World()
    ctx = StreamingContext()
    source = ctx.source(MemorySource(data)).set_parallelism(parallelism(rng))
    first = source.map(lambda r: (r[1] % 5, 1)).key_by(lambda r: r[0])
    first = first.reduce(lambda a, b: (a[0], a[1] + b[1])).set_parallelism(rng.choice((1, 2, 3)))
    second = first.map(lambda r: (r[1], 1)).key_by(lambda r: r[0])
    second = second.reduce(lambda a, b: (a[0], a[1] + b[1])).set_parallelism(rng.choice((1, 2, 3)))
    second.sink(MemorySink(world=world))

    def check(result):
        keys = Counter(n % 5 for _, n in records(data))
        reached = Counter(i for total in keys.values() for i in range(1, total + 1))
        same(world, [(i, n) for i, total in reached.items() for n in range(1, total + 1)])

    return Case(ctx, [world], check)


class Scratched(MemorySource):
    """Rejects every fourth record."""

    def open(self, ctx):
        reader = super().open(ctx)
        read = reader.read

        def picky(limit, deadline):
            fetched = read(limit, deadline)
            if fetched is None or fetched.batch is None:
                return fetched
            for value in fetched.batch.values:
                if value[1] % 4 == 1:
                    ctx.reject(value, "scratched")
            kept = [v for v in fetched.batch.values if v[1] % 4 != 1]
            return fetched._replace(batch=Batch(kept) if kept else None)

        reader.read = picky
        return reader


def refuse(n):
    def call(record):
        if record[1] % n == 0:
            raise ValueError(n)
        return record

    return call


def dead_letters(rng):
    """Records are left out by the source, an operator in the middle, and the sink."""
    data, p, world = splits(rng), parallelism(rng), World()
    left_out = [World() for _ in range(3)]
    letters = [dead_letter(MemorySink(world=w, lazy=rng.random() < 0.5), form=_record) for w in left_out]
    ctx = StreamingContext()
    source = ctx.source(Scratched(data)).set_parallelism(p).on_error(letters[0])
    kept = source.map(refuse(3)).on_error(retry(2, 0, then=letters[1])).set_parallelism(parallelism(rng))
    kept.map(lambda r: r).set_parallelism(parallelism(rng)).sink(PickySink(world=world)).on_error(letters[2])

    def check(result):
        inputs = records(data)
        read = [r for r in inputs if r[1] % 4 != 1]
        same(left_out[0], [r for r in inputs if r[1] % 4 == 1])
        same(left_out[1], [r for r in read if r[1] % 3 == 0])
        same(left_out[2], [r for r in read if r[1] % 3 and r[1] % 5 == 0])
        same(world, [r for r in read if r[1] % 3 and r[1] % 5])

    return Case(ctx, [world, *left_out], check)


def _record(letter):
    return letter.record


class PickySink(MemorySink):
    """Names the records it cannot write."""

    rejects = True

    def open(self, state, ctx):
        writer = super().open(state, ctx)
        write = writer.write

        def picky(batch):
            for value in batch.values:
                if value[1] % 5 == 0:
                    ctx.reject(value, "a multiple of five")
            write(Batch([v for v in batch.values if v[1] % 5]))

        writer.write = picky
        return writer


class Hold(Operator):
    """Holds every record until the input ends."""

    def __init__(self):
        self.held = []

    def process(self, batch):
        self.held.extend(batch.values)
        yield Batch([])

    def finish(self):
        held, self.held = self.held, []
        for start in range(0, len(held), 2):
            yield Batch(held[start : start + 2])

    def snapshot(self):
        return msgpack.packb(self.held)

    def restore(self, state):
        self.held = [tuple(r) for r in msgpack.unpackb(state)]


def held_back(rng):
    """An operator that speaks only when its input has ended, with others behind it."""
    data, world, p = splits(rng), World(), parallelism(rng)
    ctx = StreamingContext()
    source = ctx.source(MemorySource(data)).set_parallelism(parallelism(rng))
    operator = LogicalOperator(
        "hold", [Edge(source._operator)], build=lambda _: Hold(), stateful=True, parallelism=p
    )
    held = type(source)(ctx._graph, ctx._graph.add(operator))
    held.flat_map(lambda r: [r, (r[0], -r[1])]).set_parallelism(parallelism(rng)).sink(
        MemorySink(world=world)
    )
    return Case(ctx, [world], lambda _: same(world, [x for s, n in records(data) for x in ((s, n), (s, -n))]))


def foreign(rng):
    data, world = splits(rng), World()
    lists = {split: [list(r) for r in values] for split, values in data.items()}
    ctx = StreamingContext()
    stream = ctx.source(ForeignSource(lists)).set_parallelism(parallelism(rng)).map(tuple)
    stream.sink(MemorySink(world=world, lazy=True))
    return Case(ctx, [world], lambda _: same(world, records(data)))


class Where:
    """Adds the task to each record."""

    def open(self, ctx):
        self.task = ctx.task

    def __call__(self, record):
        return (record, self.task)


def partitioned(partitioning):
    def build(rng):
        data, world = splits(rng), World()
        senders, receivers = rng.choice((1, 2, 3, 5)), rng.choice((1, 2, 3, 5))
        if partitioning is Partitioning.FORWARD:
            receivers = senders
        ctx = StreamingContext()
        stream = ctx.source(MemorySource(data)).set_parallelism(rng.choice((1, 2)))
        stream = stream.map(Where()).set_parallelism(senders)
        stream._operator.disable_chain = True
        if partitioning is Partitioning.KEY:
            stream = stream.key_by(lambda r: r[0][1] % 3).set_parallelism(senders)
        choose = (lambda r, n: r[0][1] % n) if partitioning is Partitioning.CUSTOM else None
        stream = stream.filter(lambda r: True).map(Where()).set_parallelism(receivers)
        stream._operator.edges[0].upstream.parallelism = receivers  # the filter, chained to the map
        connect(type(stream)(ctx._graph, stream._operator.edges[0].upstream), partitioning, choose)
        stream.sink(MemorySink(world=world))

        def check(result):
            copies = receivers if partitioning is Partitioning.BROADCAST else 1
            got = Counter(r for (r, _), _ in world.values)
            assert got == Counter(records(data) * copies), got
            in_order(world, receivers, lambda v: ((v[0][0][0], v[0][1]), v[0][0][1]))
            check_targets(partitioning, world, senders, receivers, result)

        return Case(ctx, [world], check)

    build.__name__ = partitioning.name.lower()
    return build


def check_targets(partitioning, world, senders, receivers, result):
    if partitioning is Partitioning.FORWARD:
        assert all(sender == receiver for (_, sender), receiver in world.values)
    elif partitioning is Partitioning.BROADCAST:
        assert Counter(world.values) == Counter(dict.fromkeys(world.values, 1))
    elif partitioning is Partitioning.CUSTOM:
        assert all(receiver == r[1] % receivers for (r, _), receiver in world.values)
    elif partitioning is Partitioning.KEY:
        home = defaultdict(set)
        for (r, _), receiver in world.values:
            home[r[1] % 3].add(receiver)
        assert all(len(tasks) == 1 for tasks in home.values()), home
    elif partitioning is Partitioning.RESCALE:
        for (_, sender), receiver in world.values:
            assert (
                receiver * senders // receivers == sender
                if senders <= receivers
                else sender * receivers // senders == receiver
            )
    elif partitioning is Partitioning.ROUND_ROBIN and not result.crashes:
        for sender in range(senders):
            mine = Counter(to for (_, s), to in world.values if s == sender)
            counts = [mine[to] for to in range(receivers)]
            assert max(counts) - min(counts) <= 1, counts


SHAPES = [
    chained,
    spread,
    union,
    diamond,
    two_sinks,
    reduce,
    reduce_in_order,
    reduce_twice,
    held_back,
    foreign,
    dead_letters,
    *(partitioned(p) for p in Partitioning),
]


def check_bound(rng, seed):
    """No channel holds more than its capacity and what one step may put on top."""
    data, world = {"s": [("s", n) for n in range(400)]}, World()
    ctx = StreamingContext()
    stream = ctx.source(MemorySource(data)).map(lambda r: r)
    for _ in range(2):
        stream = stream.map(lambda r: r).set_parallelism(parallelism(rng) + 1)
    stream.sink(MemorySink(world=world))
    result = Case(ctx, [world], lambda _: same(world, records(data))).run(seed)
    assert result.most_waiting <= result.capacity + 64, "an entry of a reader has at most 64 records"


class Growing:
    """A keyed count over lists that grow, in several runs on one place and one world."""

    def __init__(self, rng, endless=False, key_groups=720):
        self.rng, self.endless = rng, endless
        self.data = splits(rng, most=4, longest=20)
        self.bounded = splits(rng, name="b", most=2)
        self.world, self.place, self.key = World(), MemoryPlace(), rng.choice(KEYS)

    def grow(self):
        for split, values in self.data.items():
            values.extend((split, len(values)) for _ in range(self.rng.randrange(4)))

    def run(self, seed, p, **options):
        """Run once more at some parallelism, and check what is committed by then."""
        ctx = StreamingContext()
        source = ctx.source(MemorySource(self.data, endless=self.endless)).uid("endless")
        other = ctx.source(MemorySource(self.bounded)).uid("bounded").set_parallelism(self.rng.choice((1, 2)))
        both = source.set_parallelism(self.rng.choice((1, 2, 3))).union(other).set_parallelism(p)
        keyed_count(ctx, both, self.key, self.rng.choice((1, 2, 3, 7)), self.world)
        result = simulate(ctx, seed, place=self.place, **options)
        assert not self.world.staged, "output was left behind"
        counted(self.read_by(result), self.key, self.world)
        return result

    def read_by(self, result):
        """The records up to the positions of the last checkpoint."""
        done = []
        for uid, data in (("endless", self.data), ("bounded", self.bounded)):
            for split, state in result.manifest.operators[uid].splits.items():
                at = state.position["at"] if state.position else 0
                done += data[split][:at]
        return done
