"""What templates of ours ask for."""
