"""What `jstack` tells of this process."""

from __future__ import annotations

import sys


def thread_dump() -> str:
    """The stacks of all threads that Java knows, and how many Java objects are held from outside of Java."""
    jpype = sys.modules["jpype"]
    factory = jpype.JClass("java.lang.management.ManagementFactory")
    command = jpype.JClass("javax.management.ObjectName")("com.sun.management:type=DiagnosticCommand")
    arguments = jpype.JArray(jpype.JObject)([jpype.JArray(jpype.JString)([])])
    signature = jpype.JArray(jpype.JString)(["[Ljava.lang.String;"])
    return str(factory.getPlatformMBeanServer().invoke(command, "threadPrint", arguments, signature))
