"""The study: writes RESULTS.md from the records of runs in results/, by one command.

    python -m benchmarks.study

results/<data set>/<design>/<name>.json is a record (`--stages=record`) of one run. The runs of a
design differ in config.seed alone and are pooled. Nothing is computed here that is not of records.
"""
