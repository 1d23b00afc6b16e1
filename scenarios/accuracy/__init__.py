"""Networks trained on the set and tested on real images."""
