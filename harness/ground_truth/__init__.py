"""Tables of true accuracies for `harness truth`: built and summarised."""
