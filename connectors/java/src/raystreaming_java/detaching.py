"""Threads that have called Java are detached from it when they end.

JPype attaches them and never lets go: each job would leave some in the JVM, and a thread dump, which looks
at the stacks of all, would crash. Python cannot do it, as a thread of a process that ends must not run Python
any more (decision 020); so it is done by the system's own code for the end of a thread.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path

_DETACH_CURRENT_THREAD = 5
"""Index in JNI's table of functions that take the JVM."""

_Pointer = ctypes.c_void_p


class _Noted(threading.local):
    """What is known of this thread."""

    yes = False


_noted = _Noted()


def detaching(library: Path) -> Callable[[], None]:
    """Return a function that has the thread that calls it detached at its end; it is cheap to call again.

    Args:
        library: That of the JVM of this process.
    """
    jvm, detach = _running(library)
    system = ctypes.CDLL(None)
    # A thread-specific value: at the end of a thread that has set it, the system calls detach(jvm).
    key = (ctypes.c_ulong if os.uname().sysname == "Darwin" else ctypes.c_uint)()
    _check(system.pthread_key_create(ctypes.byref(key), detach), "pthread_key_create")

    def note_this_thread() -> None:
        if not _noted.yes:
            _check(system.pthread_setspecific(key, jvm), "pthread_setspecific")
            _noted.yes = True

    return note_this_thread


def _running(library: Path) -> tuple[_Pointer, _Pointer]:
    """Return the JVM of this process and its function that detaches a thread."""
    jvm, count = _Pointer(), ctypes.c_int()
    # What is loaded already is found again; a second JVM is not what anybody wants.
    loaded = ctypes.CDLL(str(library), mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
    _check(loaded.JNI_GetCreatedJavaVMs(ctypes.byref(jvm), 1, ctypes.byref(count)), "JNI_GetCreatedJavaVMs")
    assert count.value == 1, "the JVM runs"
    functions = ctypes.cast(jvm, ctypes.POINTER(ctypes.POINTER(_Pointer)))[0]
    return jvm, _Pointer(functions[_DETACH_CURRENT_THREAD])


def _check(status: int, function: str) -> None:
    if status != 0:
        raise OSError(status, f"{function} failed: {os.strerror(abs(status))}")
