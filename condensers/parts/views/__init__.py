"""What is done to the real images first."""
