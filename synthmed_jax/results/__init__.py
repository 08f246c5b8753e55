"""What one stage writes and another reads: frozen dataclasses, each with its file and version."""
