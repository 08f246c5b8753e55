"""Images: data sets, decoding, the split, the held-out part, batches and the synthetic set."""
