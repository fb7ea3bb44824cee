"""The simulated runtime: tasks and coordinator under a seeded scheduler.

The machines are those of every other runtime. What differs is who decides when something happens: no
thread and no clock, but one generator of random numbers. One step at a time it picks among all that
may happen next: a frame arrives (cut anywhere, or again), a task works, a reader fetches, a snapshot
is stored, a manifest is written, output is committed, time passes, everything is lost. The same seed
gives the same run.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from raystreaming.checkpoint.manifest import Manifest
from raystreaming.checkpoint.place import MemoryPlace, Place
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.engine.messages import (
    Outcome,
)
from raystreaming.errors import JobLocked
from raystreaming.graph import LogicalGraph
from raystreaming.runtime.simulated_run import Scenario, SimulatedRun, SimulationFailed, Wish
from raystreaming.runtime.spec import JobSpec
from raystreaming.runtime.start import begin

CAPACITIES = (1, 4, 16, 4000)
CRASH_RATES = (0.001, 0.004, 0.02, 0.08)
TICKS = (0.02, 0.1, 0.5)


@runtime_checkable
class Interruptible(Protocol):
    """The outside world of a sink, where it can be interrupted: its ``world`` attribute."""

    interrupt: Callable[[], None]
    """To be called before every change of the world."""


class _Crash(BaseException):
    """The process dies here. No `Exception`, so that nothing on the way handles it."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulation returns.

    Attributes:
        outcome: How the job ended.
        manifest: Its last checkpoint.
        steps: How many things happened.
        checkpoints: How many checkpoints were completed.
        crashes: How often everything was lost, restarts included.
        takeovers: How often a coordinator took over from one that died.
        fenced: How many runs that lived on were refused a manifest.
        repeats: How many frames were delivered again, in part or as a stranger's.
        capacity: How many records a channel took before its senders had to wait.
        most_waiting: The most records that were on one channel.
        fingerprint: Equal for equal schedules.
    """

    outcome: Outcome
    manifest: Manifest
    steps: int
    checkpoints: int
    crashes: int
    takeovers: int
    fenced: int
    repeats: int
    capacity: int
    most_waiting: int
    fingerprint: int


class Simulation(Scenario):
    """One seeded run of a job, from start to end, over any number of crashes.

    Args:
        spec: The job.
        seed: Decides everything that happens.
        place: Where the checkpoints are; give the place of an earlier simulation to go on.
        crashes: How often everything may be lost.
        coordinator_deaths: How often only the coordinator dies, and another takes over.
        zombies: How many of the crashes only look like one: the old run lives on.
        zombies_retire: Runs that live on also delete old checkpoints.
        wish: `stop` or `drain` the job at some step.
        wish_before: The wish comes before this step.
        rough: Cut frames, deliver them again, deliver those of strangers.
        max_steps: More steps than this mean that the job is stuck.
        trace: Keep the names of the steps in `history`.
    """

    def __init__(
        self,
        spec: JobSpec,
        seed: int,
        *,
        place: Place | None = None,
        crashes: int = 0,
        coordinator_deaths: int = 0,
        zombies: int = 0,
        zombies_retire: bool = True,
        wish: Wish | None = None,
        wish_before: int = 400,
        rough: bool = True,
        max_steps: int = 100_000,
        trace: bool = False,
    ) -> None:
        self.spec = spec
        self.seed = seed
        self.random = random.Random(seed)
        self.rough = rough
        self.steps = 0
        self.crashes = 0
        self.fenced = 0
        self.history = [] if trace else None
        self.capacity = self.random.choice(CAPACITIES)
        self.tick = self.random.choice(TICKS)
        self.store = CheckpointStore(_WatchedPlace(place or MemoryPlace(), self._outside), spec.retain)
        self._crashes_left = crashes
        self._coordinator_deaths_left = coordinator_deaths
        self.takeovers = 0
        self._zombies_left = zombies
        self._zombies_retire = zombies_retire
        self._crash_rate = self.random.choice(CRASH_RATES)
        self._wish: Wish | None = wish
        self._wish_at = self.random.randrange(1, wish_before)
        self._max_steps = max_steps
        self._fresh = spec.fresh
        self._live: SimulatedRun | None = None
        self._zombies: list[SimulatedRun] = []
        self._some_lived_on = False
        self._fuse: int | None = None
        self._nested = False
        self._error: BaseException | None = None

    def run(self) -> Simulated:
        """Run until the job ends.

        Raises:
            SimulationFailed: Something went wrong; the reason is the ``__cause__``.
        """
        worlds = {
            id(world): world
            for op in self.spec.graph.sinks
            if isinstance(world := getattr(op.sink, "world", None), Interruptible)
        }.values()
        for world in worlds:
            world.interrupt = self._outside
        try:
            run = self._run()
        except Exception as error:
            raise SimulationFailed(
                f"seed {self.seed}, step {self.steps}: {type(error).__name__}: {error}"
            ) from error
        finally:
            for world in worlds:
                world.interrupt = _nothing
        assert run.outcome is not None, "a run ends with an outcome"
        return Simulated(
            run.outcome,
            run.coordinator.manifest,
            self.steps,
            self.checkpoints,
            self.crashes,
            self.takeovers,
            self.fenced,
            self.repeats,
            self.capacity,
            self.most_waiting,
            self.fingerprint,
        )

    def _run(self) -> SimulatedRun:
        run = self._begin()
        while run.outcome is None:
            self.steps += 1
            if self.steps > self._max_steps:
                raise SimulationFailed(f"the job is stuck after {self.steps} steps")
            try:
                if self._crashes_left and self.random.random() < self._crash_chance(run):
                    if not self._crash(run):
                        continue
                    run = self._begin()
                if self._coordinator_deaths_left and self.random.random() < self._crash_chance(run):
                    self._coordinator_deaths_left -= 1
                    self.takeovers += run.replace_coordinator()
                if self._wish is not None and self.steps >= self._wish_at:
                    run.wish(self._wish)
                if self._zombies and self.random.random() < 0.4:
                    self._let_zombie_act()
                else:
                    run.act()
            except _Crash:
                self._lose(run)
                run = self._begin()
            if self._error is not None:
                raise self._error
        self._fuse = None
        run.close(settle=self.random.random() < 0.5)
        for _ in range(200 * len(self._zombies)):
            self._let_zombie_act()
        return run

    # Crashes -----------------------------------------------------------------------------

    def _crash_chance(self, run: SimulatedRun) -> float:
        """Return how likely a crash is now: most where a checkpoint becomes one."""
        return self._crash_rate * (10 if run.at_commit_point else 1)

    def _crash(self, run: SimulatedRun) -> bool:
        """Lose everything now, or soon, in the middle of what goes to the outside.

        Returns:
            Whether it is now.
        """
        kind = self.random.random()
        if kind < 0.4:
            if self._fuse is None:
                self._fuse = self.random.randrange(8)
            return False
        self._lose(run)
        if self._zombies_left and kind < 0.9:
            self._zombies_left -= 1
            self._some_lived_on = True
            run.retires = self._zombies_retire
            self._zombies.append(run)
        elif kind < 0.7:
            run.close(settle=False)  # an error: the run has time to close what is open
        return True

    def _lose(self, run: SimulatedRun) -> None:
        self._fuse = None
        self.crashes += 1
        self._crashes_left = max(0, self._crashes_left - 1)
        self._live = None

    def _begin(self) -> SimulatedRun:
        """Begin again until that works."""
        while True:
            if self._crashes_left and self.random.random() < 0.3:
                self._fuse = self.random.randrange(12)
            try:
                start = begin(self.spec, self.store, self._fresh)
                run = SimulatedRun(self, start.manifest)
            except _Crash:
                self.crashes += 1
                self._crashes_left -= 1
                self._fuse = None
            except JobLocked:
                # A run that lives on was faster. Whoever starts the job tries again.
                if not self._some_lived_on:
                    raise
            else:
                self._fuse = None
                self._fresh = False
                self._live = run
                return run

    def _outside(self) -> None:
        """Called around everything that goes to the outside: here the world may change."""
        if self._nested:
            return
        if self._fuse is not None:
            self._fuse -= 1
            if self._fuse < 0:
                self._fuse = None
                raise _Crash
        if self._zombies and self.random.random() < 0.3:
            self._nested = True
            try:
                for _ in range(self.random.randrange(1, 20)):
                    self._act_nested()
            finally:
                self._nested = False

    def _act_nested(self) -> None:
        """Let any other run act while one is in the middle of something outside."""
        live = self._live
        if live is not None and not live.acting and live.outcome is None and self.random.random() < 0.5:
            try:
                live.act()
            except BaseException as error:  # the live run's, not the zombie's
                self._error = self._error or error
        else:
            self._let_zombie_act()

    def _let_zombie_act(self) -> None:
        free = [z for z in self._zombies if not z.acting]
        if not free:
            return
        zombie = self.random.choice(free)
        fuse, self._fuse = self._fuse, None
        try:
            zombie.act()
        except JobLocked:
            self.fenced += 1
            self._zombies.remove(zombie)
        else:
            if zombie.outcome is not None:
                self._zombies.remove(zombie)
        finally:
            self._fuse = fuse


def simulate(
    job: Any,
    seed: int,
    *,
    name: str = "job",
    checkpoint_interval: float = 1.0,
    retain: int = 3,
    **options: Any,
) -> Simulated:
    """Run a job once under a seed.

    Args:
        job: A `StreamingContext` with a program, or a `LogicalGraph`.
        seed: Decides everything that happens.
        name: The job's name.
        checkpoint_interval: Seconds of the simulated clock.
        retain: How many checkpoints are kept.
        **options: What `Simulation` takes.

    Raises:
        SimulationFailed: Something went wrong; names the seed.
    """
    graph: LogicalGraph = job if isinstance(job, LogicalGraph) else job._graph
    graph.identify()
    graph.validate()
    spec = JobSpec(name, graph, checkpoint_interval=checkpoint_interval, retain=retain)
    return Simulation(spec, seed, **options).run()


def _nothing() -> None:
    pass


class _WatchedPlace(Place):
    """A place where every operation is a moment in which the world may change."""

    def __init__(self, place: Place, between: Callable[[], None]) -> None:
        self.name = place.name
        self._place = place
        self._between = between

    def create(self, file: str, data: bytes) -> None:
        self._between()
        self._place.create(file, data)
        self._between()

    def read(self, file: str) -> bytes:
        self._between()
        return self._place.read(file)

    def list(self) -> list[str]:
        self._between()
        return self._place.list()

    def delete(self, file: str) -> None:
        self._between()
        self._place.delete(file)
