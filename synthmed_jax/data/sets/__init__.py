"""The data sets that can be opened by name, and the drawing of the phantoms."""
