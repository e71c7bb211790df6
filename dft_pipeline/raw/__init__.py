"""The deliberation app's tables: what they are, and how a file of rows becomes rows that can be trusted."""
