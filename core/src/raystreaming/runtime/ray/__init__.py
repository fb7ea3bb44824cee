"""The Ray runtime: a job master and job workers as actors, frames straight between the workers."""
