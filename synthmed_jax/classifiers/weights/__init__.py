"""Weights that a classifier starts from: torchvision's files, or a file of the user's."""
