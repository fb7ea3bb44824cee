"""What users write: a context, streams, and a job. Builds a logical graph; no I/O, no threads."""
