"""Settings of a run: base.py defines every field, each other file overrides some of them."""
