"""Real parts for the demo, the tests and the benchmarks of raystreaming.

Nothing is imported here: the pytest plugin of this package loads into every test run,
and most runs need neither Kafka nor Java.
"""
