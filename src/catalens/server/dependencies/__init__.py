"""What routes ask for: the state of the service, the caller, the uploaded pictures."""
