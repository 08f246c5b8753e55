"""The honest test: scores on real images, their intervals, and the distance to real images."""
