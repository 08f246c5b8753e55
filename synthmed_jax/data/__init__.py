"""Images in: sources, decoding, the split, the held-out part, batches and the synthetic set."""
