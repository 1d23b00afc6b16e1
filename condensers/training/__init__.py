"""Training and testing a classifier on images: alone, several at once, as a set prescribes."""
