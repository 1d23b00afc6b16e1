"""What a shared set is made of: pictures by class, a dataset card, Croissant metadata, and what a run measured with it."""
