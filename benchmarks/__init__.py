"""Side-by-side measurements against peers; each script is one command (see BUILD.md)."""
