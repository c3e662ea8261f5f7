"""Money: what calls hold and spend, in memory where they are served, and in the ledger that survives a crash."""
