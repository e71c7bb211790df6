"""From what counts of each participant to the moral graph: tally, consensus, unwinding, rank."""
