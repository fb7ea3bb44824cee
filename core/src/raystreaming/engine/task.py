"""`Task`: one parallel instance of a chain, as a pure state machine.

It is fed frames (or, at a source, what its reader fetched) and barriers, works in small pieces, and
leaves frames and events to be collected. The runtime decides when `step` is called: never while an
output is full, unless only a mark is due.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from raystreaming.connector.on_error import Retry
from raystreaming.connector.operator import Operator, OperatorContext, PieceLimit
from raystreaming.connector.rejecting import Rejected
from raystreaming.connector.source import Fetched, Position
from raystreaming.engine.inputs import Inputs
from raystreaming.engine.messages import OperatorSnapshot, Snapshot, SourceEnded, TaskEvent
from raystreaming.engine.partition import ByKey, Partitioner, partitioner
from raystreaming.engine.sides import Sides
from raystreaming.errors import OperatorError, Terminal
from raystreaming.graph import OutputEdge, TaskSpec
from raystreaming.operators.guard import Guard, Pause
from raystreaming.operators.keyed import KeyedOperator
from raystreaming.operators.rows import RowLoop, fuse
from raystreaming.operators.sink import SinkOperator
from raystreaming.records import Barrier, Batch, Element, EndOfInput, Frame, is_columnar, pack
from raystreaming.state import GroupSnapshot

ARROW_FACTOR = 64
"""How many more rows than list records a piece may have where the whole chain takes Arrow."""

LIST_LIMIT = 4096
"""Records a piece where lists are built between operators: more of them leave the processor's cache."""

PIECES_AHEAD = 4
"""Pieces that may wait for a task: at 20 ms each, a barrier waits for a twelfth of a second on a channel."""


def count_nothing(name: str, n: int) -> None:
    """Where nobody looks at counts."""


@dataclass(frozen=True, slots=True)
class NamedOperator:
    """An operator of a chain with its id."""

    id: str
    operator: Operator


class Task:
    """One task. Single-threaded; owns its operators.

    Attributes:
        spec: Its place in the execution graph.
        piece: How much one `step` takes; shared with operators that expand.
        frames: Frames to be sent; the runtime takes them after each step.
        events: Events for the coordinator; taken likewise.
        records_ahead: Records that may wait on an input channel, so that a barrier gets through soon.
        consumed: Sources: sizes of the entries consumed; taken likewise.
        builds_lists: Whether records are put into lists between operators or for other tasks; not where
            one loop takes every record straight to a function as sink.
        epoch: The last epoch whose barrier it has seen; -1 before the first.
        ended: Whether the end of the input has been passed on.
        output_channels: The channels it sends on.
        records_in: Records taken.
        records_out: Records passed on to other tasks.
        pause: How long it asks to be left alone before the next step, where an operator tries again.
    """

    def __init__(
        self,
        spec: TaskSpec,
        operators: Sequence[NamedOperator],
        key_groups: int,
        incarnation: int = 0,
        count: Callable[[str, int], None] = count_nothing,
    ) -> None:
        self.spec = spec
        self.piece = PieceLimit()
        self.records_ahead = PIECES_AHEAD * self.piece.records
        self.frames: list[Frame] = []
        self.events: list[TaskEvent] = []
        self.consumed: list[int] = []
        self.epoch = -1
        self.ended = False
        self.records_in = 0
        self.records_out = 0
        self._operators = operators
        self.pause = Pause()
        self._source_guard: Guard | None = None
        self._output_guard: Guard | None = None
        self._set_guards(count)
        aside = {op.dead_letters.id for op in spec.vertex.operators if op.dead_letters is not None}
        self._stages = fuse([named.operator for named in operators if named.id not in aside])
        self._letters = [named.operator for named in operators if named.id in aside]
        self.builds_lists = not (
            len(self._stages) == 2 and isinstance(self._stages[0], RowLoop) and self._stages[0].ends_in_sink
        )
        self._incarnation = incarnation
        self._inputs = Inputs(spec.inputs, incarnation)
        self._is_source = spec.vertex.source is not None
        behind_source = [op for op in spec.vertex.operators if op.source is None]
        self._arrow_factor = ARROW_FACTOR if all(op.columnar for op in behind_source) else 1
        self._begins_in_arrow = bool(behind_source) and behind_source[0].columnar
        last = spec.vertex.operators[-1].id
        self._outputs = [self._output(edge, last, key_groups) for edge in spec.outputs]
        self._split_early()
        self.output_channels = tuple(c for e in spec.outputs for c in e.channels)
        self._offsets = dict.fromkeys(self.output_channels, 0)
        # What is being worked on: a batch, how far it is cut, the current piece's results.
        self._batch: Batch | None = None
        self._taken = 0
        self._results: Iterator[Batch] | None = None
        # Sources only.
        self._entries: deque[tuple[Fetched, Sequence[Rejected]]] = deque()
        self._entry: Fetched | None = None
        self._positions: dict[str, tuple[Position, bool]] = {}
        self._open_splits: set[str] = set()
        self._more_splits = self._is_source
        self._barriers: deque[tuple[Barrier, bool]] = deque()
        self._halted = False
        self._draining = False
        self._finishing = False

    def _set_guards(self, count: Callable[[str, int], None]) -> None:
        """Tell operators what becomes of records that they cannot take, where the program has said so."""
        by_id = {named.id: named.operator for named in self._operators}
        for op in self.spec.vertex.operators:
            if op.on_error == "fail":
                continue
            write = None
            if op.dead_letters is not None:
                sink = by_id[op.dead_letters.id]
                assert isinstance(sink, SinkOperator)
                write = sink.write_one
            guard = Guard(op.id, op.on_error, count, write, self.pause)
            if op is self.spec.vertex.operators[-1] and guard.goes_on:
                # What names a task cannot wait, and is not called again.
                last = op.on_error.then if isinstance(op.on_error, Retry) else op.on_error
                self._output_guard = Guard(op.id, last, count, write, self.pause)
            if op.source is not None:
                self._source_guard = guard
            else:
                by_id[op.id].guard = guard

    def _output(self, edge: OutputEdge, last: str, key_groups: int) -> Partitioner:
        spread = partitioner(edge, last, self.spec.index, key_groups, self._output_guard)
        return Sides(spread, edge.tag) if edge.tag is not None or edge.beside_sides else spread

    def _split_early(self) -> None:
        """Have the loop that makes the keys split the records too, where they go nowhere else."""
        if len(self._outputs) == 1 and isinstance(by_key := self._outputs[0], ByKey):
            stage = self._stages[-1]
            if isinstance(stage, RowLoop) and stage.makes_keys:
                stage.split_by(by_key.owners, len(by_key.channels))

    def open(self) -> None:
        """Open the operators, the last one first, after what takes their results."""
        for output in self._outputs:
            output.open(self._context(self.spec.vertex.operators[-1].id))
        for named in reversed(self._operators):
            named.operator.open(self._context(named.id))

    def _context(self, operator: str) -> OperatorContext:
        vertex = self.spec.vertex
        config = next((op.config for op in vertex.operators if op.id == operator), {})
        return OperatorContext(operator, self.spec.index, vertex.parallelism, self.piece, config)

    def close(self) -> None:
        """Close the operators, whatever they raise; the first error is raised at the end."""
        first: Exception | None = None
        operators = (named.operator for named in self._operators)
        everything: list[Operator | Partitioner] = [*operators, *self._outputs]
        for opened in everything:
            try:
                opened.close()
            except Exception as error:
                first = first or error
        if first is not None:
            raise first

    @property
    def splits(self) -> tuple[str, ...]:
        """Source: the ids of the splits of this task."""
        return tuple(self._positions)

    # Input -------------------------------------------------------------------------------

    def receive(self, frame: Frame) -> None:
        """Take a frame of one of the input channels."""
        self._inputs.channels[frame.channel].receive(frame)

    def queued(self, channel: int) -> int:
        """Return how many records wait on an input channel."""
        return self._inputs.channels[channel].records

    def pace(self, records: int, ahead: Iterable[int]) -> None:
        """Set how much a piece may have, and so how much may wait for this task.

        Args:
            records: Records that take about 20 ms.
            ahead: `records_ahead` of each receiver: who feeds a slow task needs no more than that.
        """
        rows = records * self._arrow_factor
        self.records_ahead = min((PIECES_AHEAD * rows, *ahead))
        self.piece.rows = min(rows, self.records_ahead)
        most = min(records, self.records_ahead)
        self.piece.records = min(most, LIST_LIMIT) if self.builds_lists else most

    @property
    def most_records(self) -> int:
        """The largest piece that makes sense, before `ARROW_FACTOR`."""
        becomes_lists = self._begins_in_arrow and self._arrow_factor == 1
        return LIST_LIMIT if self.builds_lists and not becomes_lists else sys.maxsize

    def consumed_offset(self, channel: int) -> int:
        """Return the offset of the first element of an input channel that has not been taken."""
        return self._inputs.channels[channel].consumed_offset

    def assign(self, positions: dict[str, Position], last: bool) -> None:
        """Source: these splits belong to the task; no others will follow if `last`."""
        for split, position in positions.items():
            self._positions[split] = (position, False)
            self._open_splits.add(split)
        self._more_splits = not last

    def feed(self, entry: Fetched, rejected: Sequence[Rejected] = ()) -> None:
        """Source: take what the reader fetched, and what it rejected before that."""
        self._entries.append((entry, rejected))

    def inject(self, barrier: Barrier, halt: bool = False) -> None:
        """Source: end the epoch before the next entry, unless told so already; consume no more if `halt`."""
        if barrier.epoch > self.epoch:
            self.epoch = barrier.epoch
            self._barriers.append((barrier, halt))

    def drain(self) -> None:
        """Source: pass the end on before the next entry."""
        self._draining = True

    # Work --------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether records are half-way through the chain."""
        return self._results is not None or self._batch is not None

    @property
    def ready(self) -> bool:
        """Whether `step` has something to do."""
        if self.busy:
            return True
        if not self._is_source:
            return self._inputs.ready()
        return self.mark_due or bool(self._entries and not self._halted and not self.ended)

    @property
    def mark_due(self) -> bool:
        """Whether the next step emits marks only, for which there is always room."""
        if self.busy or not self._is_source:
            return False
        return bool(self._barriers) or (self._source_is_through and not self.ended and not self._halted)

    @property
    def _source_is_through(self) -> bool:
        if self._draining:
            return True
        return not (self._entries or self._open_splits or self._more_splits)

    def step(self) -> int:
        """Do one piece of work.

        Returns:
            How many input records the step began with; 0 if it went on with earlier ones.
        """
        if self._results is not None:
            self._pull()
            return 0
        if self._batch is not None:
            return self._cut()
        if self._is_source:
            return self._source_step()
        element = self._inputs.take(self.piece.rows)
        if isinstance(element, Batch):
            return self._begin(element)
        if isinstance(element, Barrier):
            self._snapshot(element)
        elif element is not None:
            self._finish()
        return 0

    def _source_step(self) -> int:
        if self._barriers:
            barrier, self._halted = self._barriers.popleft()
            self._snapshot(barrier)
            return 0
        if self._halted or self.ended:
            return 0
        if self._source_is_through:
            self._entries.clear()
            self._finish()
            return 0
        self._entry, rejected = self._entries.popleft()
        for one in rejected:
            assert self._source_guard is not None, "readers reject nothing where the policy is to fail"
            self._source_guard.rejected(one)
        if self._entry.batch is None or not len(self._entry.batch):
            self._entry_done()
            return 0
        return self._begin(self._entry.batch)

    def _begin(self, batch: Batch) -> int:
        self.records_in += len(batch)
        self._batch, self._taken = batch, 0
        return self._cut()

    def _cut(self) -> int:
        batch = self._batch
        assert batch is not None
        limit = self.piece.rows if is_columnar(batch.values) else self.piece.records
        size = len(batch)
        if self._taken == 0 and size <= limit:
            piece, self._batch = batch, None
        else:
            piece = batch.slice(self._taken, self._taken + limit)
            self._taken += limit
            if self._taken >= size:
                self._batch = None
        self._results = self._transform(piece, 0)
        self._pull()
        return len(piece)

    def _transform(self, batch: Batch, first: int) -> Iterator[Batch]:
        stream: Iterator[Batch] = iter((batch,))
        for stage in self._stages[first:]:
            if self._begins_in_arrow and isinstance(stage, RowLoop):
                stream = chain.from_iterable(map(self._cut_for_lists, stream))
            stream = chain.from_iterable(map(stage.process, stream))
        return stream

    def _cut_for_lists(self, batch: Batch) -> Iterable[Batch]:
        """Cut an Arrow batch where it becomes lists: those are to have fewer records."""
        limit = self.piece.records
        if len(batch) <= limit or not is_columnar(batch.values):
            return (batch,)
        return (batch.slice(start, start + limit) for start in range(0, len(batch), limit))

    def _pull(self) -> None:
        assert self._results is not None
        for result in self._results:
            self._emit(result)
            return
        self._results = None
        if self._batch is None:
            if self._finishing:
                self._pass_end_on()
            elif self._entry is not None:
                self._entry_done()

    def _entry_done(self) -> None:
        entry, self._entry = self._entry, None
        assert entry is not None
        self._positions[entry.split] = (entry.position, entry.end)
        self.consumed.append(0 if entry.batch is None else len(entry.batch))
        if entry.end:
            self._open_splits.discard(entry.split)

    # Output ------------------------------------------------------------------------------

    def _emit(self, batch: Batch) -> None:
        if not len(batch):
            return
        self.records_out += len(batch)
        for output in self._outputs:
            for channel, part in output.split(batch):
                self._send(channel, part)

    def _send(self, channel: int, element: Element) -> None:
        frame = Frame(channel, self._incarnation, self._offsets[channel], element)
        self._offsets[channel] += len(frame)
        self.frames.append(frame)

    def _send_all(self, element: Element) -> None:
        for channel in self._offsets:
            self._send(channel, element)

    def _finish(self) -> None:
        self._finishing = True
        self._results = chain.from_iterable(self._finish_from(i) for i in range(len(self._stages)))
        self._pull()

    def _finish_from(self, index: int) -> Iterator[Batch]:
        for batch in self._stages[index].finish():
            yield from self._transform(batch, index + 1)

    def _pass_end_on(self) -> None:
        self._finishing = False
        for sink in self._letters:
            sink.finish()
        self.ended = True
        self._send_all(EndOfInput())
        if self._is_source:
            self.events.append(SourceEnded(self.spec.id))

    def _snapshot(self, barrier: Barrier) -> None:
        self._check_positions()
        self.epoch = barrier.epoch
        operators: dict[str, OperatorSnapshot] = {}
        for named in self._operators:
            op = named.operator
            prepared = op.prepare(barrier.epoch) if isinstance(op, SinkOperator) else None
            groups = self._groups(named.id, op) if isinstance(op, KeyedOperator) else None
            operators[named.id] = OperatorSnapshot(groups, op.snapshot(), prepared)
        self.events.append(Snapshot(self.spec.id, barrier.epoch, dict(self._positions), operators))
        self._send_all(barrier)

    def _groups(self, id_: str, operator: KeyedOperator) -> GroupSnapshot:
        try:
            return operator.state.snapshot()
        except Exception as error:
            raise OperatorError(
                f"operator {id_!r}: its state cannot be put into a checkpoint: {type(error).__name__}: "
                f"{error}. Keep values that pickle takes, no functions, locks or open files"
            ) from error

    def _check_positions(self) -> None:
        for split, (position, _) in self._positions.items():
            try:
                pack(position)
            except (TypeError, ValueError, OverflowError) as error:
                assert self.spec.vertex.source is not None
                raise Terminal(
                    f"source {self.spec.vertex.source.id!r}: position {position!r} of split {split!r} cannot "
                    f"be put into a checkpoint: {error}. A position is made of None, bool, int, float, str, "
                    f"bytes, lists and dicts"
                ) from error
