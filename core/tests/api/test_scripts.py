"""Programs as users run them: in a process of their own, ended by signals, resumed by the same command."""

from __future__ import annotations

import re
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

WORD_COUNT = """
    from raystreaming import StreamingContext

    ctx = StreamingContext.Builder().build()
    ctx.read_text_file("words.txt") \\
        .set_parallelism(1) \\
        .flat_map(lambda x: x.split()) \\
        .map(lambda x: (x, 1)) \\
        .key_by(lambda x: x[0]) \\
        .reduce(lambda old, new: (old[0], old[1] + new[1])) \\
        .filter(lambda x: x[0] != "drop") \\
        .sink(lambda x: print("result", x))
    ctx.submit("word_count")
"""


def test_word_count_runs_to_its_end_after_the_script_has_ended(script):
    text = "to be or not to be\r\n\r\nthat drop is the question" * 500
    (script.folder / "words.txt").write_text(text)
    done = script.run(WORD_COUNT)
    assert (done.returncode, "Traceback" in done.stderr, "failed" in done.stderr) == (0, False, False)
    counts = {}
    for line in done.stdout.splitlines():
        word, n = re.fullmatch(r"result \('(\w+)', (\d+)\)", line).groups()
        assert int(n) == counts.get(word, 0) + 1
        counts[word] = int(n)
    expected = Counter(text.split())
    del expected["drop"]
    assert counts == expected


FAILING = """
    from raystreaming import StreamingContext

    def parse(line):
        number = int(line)
        return number

    ctx = StreamingContext()
    ctx.from_values("1", "2", "three").map(parse).sink(print)
    ctx.{call}
"""


def test_a_failure_nobody_waits_for_sets_the_exit_status_and_says_everything_once(script):
    done = script.run(FAILING.format(call='submit("parsing")'))
    assert done.returncode == 1
    assert done.stdout == "1\n2\n"
    where = f"{script.folder / 'job.py'}"
    assert (
        f"job 'parsing' failed: operator 'from_values.map': parse ({where}:4) raised ValueError: "
        f"invalid literal for int() with base 10: 'three'\n  at {where}:5\n  record: 'three'\n"
    ) in done.stderr
    assert "number = int(line)" in done.stderr
    assert "raystreaming/" not in done.stderr.replace(str(script.folder), "")
    assert done.stderr.count("raised ValueError") == 1


def test_a_failure_that_is_waited_for_is_a_traceback_once(script):
    done = script.run(FAILING.format(call='execute("parsing")'))
    assert done.returncode == 1
    assert done.stderr.count("raystreaming.errors.OperatorError: operator 'from_values.map'") == 1
    assert "job 'parsing' failed:" not in done.stderr


HANDLED = """
    from raystreaming import JobError
    try:
        ctx.submit("again").wait()
    except JobError:
        print("handled")
"""


def test_a_failure_that_is_handled_is_over(script):
    done = script.run(FAILING.format(call='submit("parsing")') + HANDLED)
    assert "handled" in done.stdout
    assert done.returncode == 1  # the first one was not
    assert done.stderr.count("failed:") == 1


def test_a_script_that_fails_itself_after_submit_lets_the_job_end(script):
    done = script.run("""
        import time
        from raystreaming import StreamingContext
        ctx = StreamingContext()
        ctx.from_values(1, 2).map(lambda x: time.sleep(0.2) or x).sink(print)
        ctx.submit("job")
        raise KeyError("mine")
    """)
    assert (done.returncode, done.stdout) == (1, "1\n2\n")
    assert "KeyError: 'mine'" in done.stderr


@pytest.mark.parametrize(
    "failing",
    [
        False,
        True,
    ],
)
def test_exit_functions_of_the_program_run_after_the_job(script, failing: bool):
    done = script.run(f"""
        import atexit
        atexit.register(lambda: print("goodbye", flush=True))
        from raystreaming import StreamingContext
        ctx = StreamingContext()
        ctx.from_values(1).map(lambda x: x // {0 if failing else 1}).sink(print)
        ctx.submit("job")
    """)
    assert done.returncode == failing
    assert done.stdout.splitlines()[-1:] == ["goodbye"]


def test_several_jobs_of_one_script_run_to_their_ends(script):
    done = script.run("""
        from raystreaming import StreamingContext
        for name in ("a", "b", "c"):
            ctx = StreamingContext()
            ctx.from_collection(range(1000)).filter(lambda x: x == 999).print(prefix=name + " ")
            ctx.submit(name)
    """)
    assert (done.returncode, "Traceback" in done.stderr, "failed" in done.stderr) == (0, False, False)
    assert sorted(done.stdout.splitlines()) == ["a 999", "b 999", "c 999"]


COUNTING = """
    import itertools, sys, time
    from pathlib import Path
    from raystreaming import StreamingContext
    from raystreaming.connector import RecordsSource

    class Endless(RecordsSource[int]):
        @property
        def bounded(self):
            return False

        def records(self, position):
            for n in itertools.count(position or 0):
                time.sleep(0.0005)
                yield n + 1, n

    out = open("out.txt", "a", buffering=1)
    ctx = StreamingContext(checkpoint_dir="cp", checkpoint_interval="1h")
    counts = ctx.source(Endless()).key_by(lambda n: n % 3).reduce(max)
    counts.sink(lambda n: print(n, file=out))
    {run}
"""


def numbers(folder: Path) -> list[int]:
    file = folder / "out.txt"
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


def interrupted(
    script, eventually: Callable[..., None], run: str, signals: list[signal.Signals]
) -> tuple[int, str]:
    path = script.write(COUNTING.format(run=run))
    already = len(numbers(script.folder))
    process = script.start(path)
    eventually(lambda: len(numbers(script.folder)) > already + 100 or process.poll() is not None)
    process.send_signal(signals[0])
    for number in signals[1:]:
        assert any("Ctrl-C again ends at once" in line for line in process.stderr)
        process.send_signal(number)
    try:
        _, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        raise AssertionError("the job does not end") from None
    return process.returncode, err


@pytest.mark.parametrize("run", ['ctx.execute("count")', 'ctx.submit("count")'])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_takes_a_checkpoint_and_the_same_command_goes_on(
    script, eventually: Callable[..., None], run: str, number: signal.Signals
):
    for _ in range(2):
        returncode, err = interrupted(script, eventually, run, [number])
        assert returncode == 0, err
        assert "stopping: taking a checkpoint" in err
        assert "Traceback" not in err
    rows = numbers(script.folder)
    assert rows == list(range(len(rows)))


def test_the_second_signal_ends_at_once_without_a_checkpoint(script):
    path = script.write("""
        import itertools
        from raystreaming import StreamingContext

        ctx = StreamingContext(checkpoint_dir="cp", checkpoint_interval="1h")
        # One record that never comes to its end: no checkpoint can be taken behind it.
        endless = ctx.from_values(0).flat_map(lambda n: itertools.count())
        endless.filter(lambda n: n == 500_000).print()
        print(ctx.execute("endless").status().state)
    """)
    process = script.start(path)
    assert process.stdout.readline() == "500000\n"
    process.send_signal(signal.SIGINT)
    assert any("stopping" in line for line in process.stderr)  # reads up to that line
    process.send_signal(signal.SIGINT)
    while "ending at once" not in (line := process.stderr.readline()):
        # It came before the first one was done with: see the test below.
        assert "stopping" in line
        process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "cancelled\n")


def test_the_second_signal_counts_although_the_first_is_still_being_handled(script):
    done = script.run("""
        import itertools, signal, sys, threading
        from raystreaming import StreamingContext

        class Impatient:
            def write(self, text):
                sys.__stderr__.write(text)
                if "stopping" in text and not hasattr(self, "again"):
                    self.again = True
                    signal.raise_signal(signal.SIGINT)

            def flush(self):
                pass

        sys.stderr = Impatient()
        ctx = StreamingContext(checkpoint_dir="cp", checkpoint_interval="1h")

        def begin(n):
            # Not just "no default": a background shell starts its programs with SIGINT ignored.
            waits = getattr(signal.getsignal(signal.SIGINT), "__name__", "") == "_interrupted"
            if waits and not sent:  # the main thread waits for the job by now
                sent.append(n)
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

        sent = []
        ctx.from_values(0).flat_map(lambda n: itertools.count()).sink(begin)
        job = ctx.submit("endless")
        late = threading.Timer(60, job.cancel)
        late.start()
        job.wait()
        late.cancel()
    """)
    assert "ending at once" in done.stderr


def test_the_first_signal_drains_where_the_program_says_so(script, eventually: Callable[..., None]):
    path = script.write(
        COUNTING.replace('"1h"', '"1h", drain=True').format(
            run='job = ctx.execute("count"); print(job.status().state)'
        )
    )
    process = script.start(path)
    eventually(lambda: len(numbers(script.folder)) > 10)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "finished\n")
    assert "draining" in err


def test_a_finished_job_that_is_run_again_says_so_and_fresh_starts_over(script):
    program = """
        import logging, sys
        from raystreaming import StreamingContext
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        ctx = StreamingContext(checkpoint_dir="cp", fresh="fresh" in sys.argv)
        ctx.from_values(1, 2).print()
        ctx.submit("again")
    """
    assert script.run(program).stdout == "1\n2\n"
    second = script.run(program)
    assert second.stdout == ""
    assert "job 'again': finished before; goes on from the end of checkpoint" in second.stderr
    assert "--fresh" in second.stderr
    assert script.run(program, "fresh").stdout == "1\n2\n"


def test_a_second_run_of_a_live_job_is_refused_at_once_with_the_pid(script, eventually: Callable[..., None]):
    path = script.write(COUNTING.format(run='ctx.execute("count")'))
    first = script.start(path)
    eventually(lambda: numbers(script.folder))
    second = script.start(path)
    _, err = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"cp/count is in use by another run of this job (process {first.pid})" in err
    first.kill()
    first.wait()
    script.start(path)
    rows = len(numbers(script.folder))
    eventually(lambda: len(numbers(script.folder)) > rows, "the lock of a killed process is free")


def test_output_that_nobody_reads_is_an_error(script):
    script.write("""
        from raystreaming import StreamingContext
        ctx = StreamingContext()
        ctx.from_collection(range(200_000)).print()
        ctx.submit("broken-pipe")
    """)
    process = script.start(script.folder / "job.py")
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(60) != 0
    assert "BrokenPipeError" in err
    process.stdout = None
