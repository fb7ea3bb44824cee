"""What drives the engine: starting a job, the embedded worker, the simulation."""
