"""Intervals, tests and agreement: pure functions of numbers, by scipy where it has them."""
