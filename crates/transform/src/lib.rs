//! Pure transformations: bytes in, bytes out. No sockets, no clock, no environment.
