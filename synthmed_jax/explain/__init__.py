"""Why a network said what it said: weights of image regions, and pictures of them."""
