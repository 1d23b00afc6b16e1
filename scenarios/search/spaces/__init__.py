"""What a search chooses from: registered spaces, and any NNI ModelSpace by its import path."""
