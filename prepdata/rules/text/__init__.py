"""TEXT: content."""
