"""Where the network of each step comes from."""
