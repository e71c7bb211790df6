"""Stage lineage: from every value, card and training row back to people, and how an audit walks there."""
