"""What a run is lent: seed, device, folder, stop; the one loop with checkpoints; caches."""
