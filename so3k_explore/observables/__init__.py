"""What follows from a potential by differentiation."""
