"""Where things happen, in one transaction: intake, gather, fold, apply, and the loop that batches them."""
