"""From the moral graph to training rows: which values are wise for a prompt, and how much each weighs."""
