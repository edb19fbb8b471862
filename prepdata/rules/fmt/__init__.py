"""FMT: bytes, lines, JSON."""
