"""What sets of images say of each other without a classifier of the classes."""
