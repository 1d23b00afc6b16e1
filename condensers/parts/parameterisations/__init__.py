"""What is learned and stored in place of images."""
