"""What a person sees of a run while it works: a table on a terminal, plain lines elsewhere."""
