"""What the page knows and what it asks for: `param` only, no drawing."""
