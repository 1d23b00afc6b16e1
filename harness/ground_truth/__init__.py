"""What `harness truth` does: tables of true accuracies, built and summed up."""
