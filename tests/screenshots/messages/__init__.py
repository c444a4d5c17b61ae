"""Pictures of what a channel is sent: drawn element by element from the payload that the notifier itself wrote."""
