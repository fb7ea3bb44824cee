"""Pure state machines: no sockets, no threads, no clocks, no Ray."""
