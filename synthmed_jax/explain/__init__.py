"""Why a network predicts what it predicts: weights of image regions, and pictures of them."""
