"""The file formats that images come in: one reader per format, behind one function."""
