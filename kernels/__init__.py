"""numba and numpy: arrays in, arrays out; no I/O, no clock, no strings."""
